/**
 * Greetings of mail servers, by what is known of them: captures, manuals, source code. To add one: a line
 * here. A pattern is the text behind `220 ` (of a greeting of several lines, of the first), in which stand
 *
 *     %h  the host's name                      %n  a number of one to five digits
 *     %v  a version's part: one or two digits   %x  letters and digits, 2 to 16
 *     %m  an id of 32 characters                %i  one of 24 to 64
 *     %D  a date as in a header                 %z  the same with its zone in letters
 *     %t  a date as 11/24/26 20:20:01           %c  a client's name or address
 *
 * The weight is how often such a server is met behind a device that masks, roughly.
 */
export interface BannerTemplate {
  readonly name: string;
  readonly weight: number;
  readonly pattern: string;
}

const EXCHANGE = "%h Microsoft ESMTP MAIL Service";

const TEMPLATES: readonly (readonly [name: string, weight: number, pattern: string])[] = [
  ["Postfix", 100, "%h ESMTP Postfix"],
  ["Postfix (Debian)", 40, "%h ESMTP Postfix (Debian/GNU)"],
  ["Postfix (Ubuntu)", 50, "%h ESMTP Postfix (Ubuntu)"],
  ["Postfix (Raspbian)", 2, "%h ESMTP Postfix (Raspbian)"],
  ["Postfix with its version", 10, "%h ESMTP Postfix (2.%v.%v)"],
  ["Postfix with its version", 10, "%h ESMTP Postfix (3.%v.%v)"],
  ["a server that names only ESMTP (qmail, Cisco ESA, hMailServer, Postfix)", 80, "%h ESMTP"],
  ["Exim", 110, "%h ESMTP Exim 4.%v %D"],
  ["Exim with a patch level", 30, "%h ESMTP Exim 4.%v.%v %D"],
  ["Exim (Debian, Ubuntu)", 20, "%h ESMTP Exim 4.%v Ubuntu %D"],
  ["Exim (cPanel)", 40, "%h ESMTP Exim 4.%v #%n %D "],
  ["Exim (cPanel)", 30, "%h ESMTP Exim 4.%v.%v #%n %D "],
  ["Sendmail", 60, "%h ESMTP Sendmail 8.%v.%v/8.%v.%v; %D"],
  ["Sendmail", 40, "%h ESMTP Sendmail 8.%v.%v/8.%v.%v; %z"],
  [
    "Sendmail (Debian)",
    15,
    "%h ESMTP Sendmail 8.%v.%v/8.%v.%v/Debian-%n; %D; (No UCE/UBE) logging access from: %c",
  ],
  ["Sendmail (Sun)", 5, "%h ESMTP Sendmail 8.%v.%v+Sun/8.%v.%v; %D"],
  ["Sendmail without its version", 4, "%h ESMTP Sendmail; %D"],
  ["Sendmail without its name", 15, "%h ESMTP; %D"],
  ["Exchange 2007 or later", 90, `${EXCHANGE} ready at %D`],
  ["Exchange Online", 30, `${EXCHANGE} ready at %D [%x]`],
  ["Exchange 2003 SP1 (IIS 6)", 20, `${EXCHANGE}, Version: 6.0.3790.1830 ready at  %D`],
  ["Exchange 2003 SP2 (IIS 6)", 25, `${EXCHANGE}, Version: 6.0.3790.3959 ready at  %D`],
  ["Exchange 2003 SP2 (IIS 6)", 20, `${EXCHANGE}, Version: 6.0.3790.4675 ready at  %D`],
  ["Exchange 2003 (IIS 6)", 8, `${EXCHANGE}, Version: 6.0.3790.0 ready at  %D`],
  ["Exchange 2000 (Windows 2000 SP4)", 15, `${EXCHANGE}, Version: 5.0.2195.6713 ready at  %D`],
  ["Exchange 2000 (Windows 2000 SP3)", 8, `${EXCHANGE}, Version: 5.0.2195.5329 ready at  %D`],
  ["Exchange 2000 (Windows 2000 SP2)", 8, `${EXCHANGE}, Version: 5.0.2195.2966 ready at  %D`],
  ["the SMTP service of IIS", 25, `${EXCHANGE}, Version: %v.%v.%n.%n ready at  %D`],
  ["Exchange 5.5", 10, "%h ESMTP Server (Microsoft Exchange Internet Mail Service 5.5.%n.%n) ready"],
  ["OpenSMTPD", 10, "%h ESMTP OpenSMTPD"],
  ["Barracuda", 20, "%h ESMTP (%m)"],
  ["FortiMail", 10, "%h ESMTP Smtpd; %D"],
  ["Google", 20, "%h ESMTP %i - gsmtp"],
  ["QQ", 5, "%h Esmtp QQ Mail Server"],
  ["Coremail", 5, "%h Anti-spam GT for Coremail System (%x[20%v%v%v])"],
  ["Domino", 15, "%h ESMTP Service (Lotus Domino Release %v.%v.%v) ready at %D"],
  ["Domino", 10, "%h ESMTP Service (IBM Domino Release %v.%v.%x) ready at %D"],
  ["Domino", 8, "%h ESMTP Service (HCL Domino Release %v.%v.%x) ready at %D"],
  ["MDaemon", 12, "%h ESMTP MDaemon %v.%v.%v; %D"],
  ["Kerio Connect", 8, "%h Kerio Connect %v.%v.%v ESMTP ready"],
  ["Kerio MailServer", 6, "%h Kerio MailServer %v.%v.%v ESMTP ready"],
  ["IceWarp", 5, "%h ESMTP IceWarp %v.%v.%v.%v x%v; %D"],
  ["Merak", 5, "%h ESMTP Merak %v.%v.%v; %D"],
  ["CommuniGate Pro", 5, "%h ESMTP CommuniGate Pro %v.%v.%v"],
  ["SurgeMail", 4, "%h SurgeSMTP (Version %v.%v) http://surgemail.com"],
  ["IMail", 5, "%h (IMail %v.%v %n-%n) NT-ESMTP Server X1"],
  ["MailEnable", 8, "%h ESMTP MailEnable Service, Version: %v.%v-- ready at %t"],
  ["Haraka", 4, "%h ESMTP Haraka %v.%v.%v ready"],
  ["James", 4, "%h SMTP Server (JAMES SMTP Server %v.%v.%v) ready %D"],
  ["Sun Messaging Server", 4, "%h -- Server ESMTP (Sun Java System Messaging Server %x (built %c))"],
  ["Symantec Messaging Gateway", 5, "%h ESMTP Symantec Messaging Gateway"],
  ["Yandex", 3, "%h ESMTP (Want to use Yandex.Mail for your domain? Visit http://pdd.yandex.ru)"],
  [
    "GroupWise",
    4,
    "%h GroupWise Internet Agent %v.%v.%v Copyright %n-%n Novell, Inc. All rights reserved. Ready",
  ],
  ["a server that says ready", 15, "%h ESMTP ready"],
  ["a server that says ready", 8, "%h SMTP ready"],
  ["a server that says service ready", 8, "%h ESMTP Service ready"],
  ["a server that says service ready", 4, "%h Service ready"],
  ["a server that says server ready", 6, "%h ESMTP server ready"],
  ["a server that names only SMTP", 6, "%h SMTP"],
  ["a server that says its name and when", 4, "%h ESMTP ready at %D"],
  ["a server that says only its name", 6, "%h"],
];

export const BANNER_TEMPLATES: readonly BannerTemplate[] = TEMPLATES.map(([name, weight, pattern]) => ({
  name,
  weight,
  pattern,
}));
