/** Greetings as servers give them; from captures, manuals and servers run for it. */

/** As printed, in lines of a terminal's width, behind a line with the code alone. */
export const ARTICLE_BANNER = [
  "*****02***********************************************************0****0****",
  "0 ***************2******200**0*********0*00",
] as const;

interface Genuine {
  readonly line: string;
  /** What the decoder calls the server; null where it knows none. */
  readonly server: RegExp | null;
}

export const GENUINE_BANNERS: readonly Genuine[] = [
  { line: "220 mx.example.net ESMTP Postfix", server: /^Postfix$/ },
  { line: "220 mx2.example.net ESMTP Postfix (Debian/GNU)", server: /Debian/ },
  { line: "220 mail-20.example.net ESMTP Postfix (Ubuntu)", server: /Ubuntu/ },
  { line: "220 mail.example.net ESMTP Exim 4.96 Tue, 24 Nov 2026 20:20:01 +0000", server: /^Exim/ },
  { line: "220 mail.example.net ESMTP Exim 4.97.1 Tue, 24 Nov 2026 20:20:01 +0100", server: /^Exim/ },
  { line: "220-host.example.net ESMTP Exim 4.96.2 #2 Tue, 24 Nov 2026 20:20:01 -0600 ", server: /^Exim/ },
  {
    line: "220 relay.example.net ESMTP Sendmail 8.17.1/8.17.1; Tue, 24 Nov 2026 20:20:01 GMT",
    server: /^Sendmail/,
  },
  {
    line: "220 relay.example.net ESMTP Sendmail 8.14.4/8.14.4; Tue, 4 Nov 2014 09:12:20 +0100",
    server: /^Sendmail/,
  },
  {
    line: "220 exch.example.net Microsoft ESMTP MAIL Service ready at Tue, 24 Nov 2026 20:20:01 +0000",
    server: /^Exchange/,
  },
  {
    line: "220 exch.example.net Microsoft ESMTP MAIL Service, Version: 6.0.3790.4675 ready at  Wed, 28 Jun 2006 20:11:44 +0200",
    server: /^Exchange 2003/,
  },
  { line: "220 mx.example.net ESMTP", server: /only ESMTP/ },
  { line: "220 mx.example.net ESMTP OpenSMTPD", server: /OpenSMTPD/ },
  { line: "220 mx.google.com ESMTP a640c23a62f3a-aa4f41a8b0csi512345666b.12 - gsmtp", server: /Google/ },
  { line: "220 smtp.qq.com Esmtp QQ Mail Server", server: /QQ/ },
  { line: "220 esa1.example.net ESMTP", server: /ESA/ },
  { line: "220 mx1.example.net ESMTP (0123456789abcdef0123456789abcdef)", server: /Barracuda/ },
  { line: "220 fml.example.net ESMTP Smtpd; Tue, 24 Nov 2026 20:20:01 +0000", server: /FortiMail|Sendmail/ },
  {
    line: "220 domino.example.net ESMTP Service (Lotus Domino Release 8.5.3) ready at Tue, 24 Nov 2026 20:20:01 +0100",
    server: /Domino/,
  },
  { line: "220 mail.example.net ESMTP MDaemon 23.0.1; Tue, 24 Nov 2026 20:20:01 +0000", server: /MDaemon/ },
  { line: "220 mail.example.net Kerio Connect 9.4.1 ESMTP ready", server: /Kerio/ },
  { line: "220 mail.example.net Service ready", server: /ready/ },
  { line: "220 metagross.zimmerman.io ESMTP Postfix", server: /^Postfix$/ },
  { line: "220 ", server: null },
  { line: "220", server: null },
  { line: "220 *", server: null },
  { line: "220 smtp.example.net ESMTP ***** no spam *****", server: null },
  { line: "220 20", server: null },
  { line: "220 2*0 mail", server: null },
  { line: "220 XXXX mail relay", server: null },
  { line: "220 mailin.example.net * ready *", server: null },
];
