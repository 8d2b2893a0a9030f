import { describe, expect, test } from "vitest";
import { parseFilter } from "../../src/filter/parser.ts";
import type { FilterSubject } from "../../src/filter/subject.ts";
import { exchange, SILENCE } from "./exchange.ts";

type Row = readonly [filter: string, subject: FilterSubject, want: boolean];

const REFUSED = exchange();
const MASKED = exchange({ found: ["rewriting/banner-masked"] });
const V6 = exchange({ client: "[2001:db8::7]:40112", server: "[2001:db8:1::25]:25" });
const MAPPED = exchange({ client: "[::ffff:10.2.0.7]:40112" });

const TABLES: Record<string, readonly Row[]> = {
  words: [
    ["phase==rcpt", REFUSED, true],
    ["phase == RCPT", REFUSED, true],
    ["phase eq rcpt", REFUSED, true],
    ["phase==mail", REFUSED, false],
    ["phase!=mail", REFUSED, true],
    ["phase in {mail rcpt}", REFUSED, true],
    ["phase in {mail,data}", REFUSED, false],
    ["phase in rcpt", REFUSED, true],
    ["phase", REFUSED, true],
    ["verb==rcpt", REFUSED, true],
    ["verb=~^R", REFUSED, true],
    ["verb contains cp", REFUSED, true],
    ['verb=="(connect)"', exchange({ verb: "(connect)" }), true],
    ["VERB==BDAT", exchange({ verb: "BDAT" }), true],
    ["taint", REFUSED, false],
    ["taint==gap", exchange({ taint: "gap" }), true],
    ["taint!=gap", REFUSED, false],
    ["taint!=gap", SILENCE, true],
    ["ended==rst", exchange({ ended: "rst" }), true],
    ["ended!=rst", REFUSED, false],
    ["starttls==offered", REFUSED, true],
    ["finding", REFUSED, false],
    ["finding", MASKED, true],
    ["finding==rewriting/banner-masked", MASKED, true],
    ["finding==banner-masked", MASKED, true],
    ['finding=="BANNER-MASKED"', MASKED, true],
    ["finding==starttls-masked", MASKED, false],
    ["finding in {starttls-masked banner-masked}", MASKED, true],
    ["finding=~^rewriting/", MASKED, true],
    ["rewritten", MASKED, true],
    ["rewritten", REFUSED, false],
    ["!rewritten", REFUSED, true],
    ["rewritten", exchange({ found: ["cause/resolver"] }), false],
    ["starttls", REFUSED, true],
    ["starttls", exchange({ starttls: "none" }), false],
    ["starttls==none", exchange({ starttls: "none" }), true],
  ],
  texts: [
    ['text contains "reylist"', REFUSED, true],
    ['text contains "greylist"', REFUSED, false],
    ["text contains 4.7.1", REFUSED, true],
    ["text=~greylist", REFUSED, true],
    ["text matches 'GREYLISTED, see$'", REFUSED, true],
    ['text == "450 4.7.1 https://example.net/grey"', REFUSED, true],
    ['text != "450 4.7.1 https://example.net/grey"', REFUSED, false],
    ['text != "250 ok"', REFUSED, true],
    ['text != "250 ok"', SILENCE, false],
    ["text", REFUSED, true],
    ["text", SILENCE, false],
    ['command contains "<a@example.net>"', REFUSED, true],
    ["command contains x", exchange({ command: null }), false],
    ["command != x", exchange({ command: null }), false],
    ["command", exchange({ command: null }), false],
    ['command == "a\\"b\\\\c\\x41\\u00e9\\t"', exchange({ command: 'a"b\\cAé\t' }), true],
    ["command == 'say \"x\"'", exchange({ command: 'say "x"' }), true],
    ["file==monday.pcap", REFUSED, true],
    ["file=~^tuesday", REFUSED, false],
    ["file in {a.pcap monday.pcap}", REFUSED, true],
    ["banner contains ESMTP", REFUSED, true],
    ["banner", exchange({ banner: null }), false],
  ],
  patterns: [
    ["code=~^4", REFUSED, true],
    ["code=~^4&&dur>1s", REFUSED, true],
    ["(code=~^(4|5))", REFUSED, true],
    ["(code=~^[45)])||tls", REFUSED, true],
    ["code matches ^5", REFUSED, false],
    ["code=~.", SILENCE, false],
    ['text=~"\\d+-4\\.7"', REFUSED, true],
    ['command=~"\\"x\\""', exchange({ command: 'say "x"' }), true],
    ["text=~\\(x\\)", exchange({ lines: ["250 (x)"] }), true],
    ["client=~^10\\.2\\.", REFUSED, true],
    ["text=~(\\d{1,3}\\.){3}\\d{1,3}", exchange({ lines: ["550 from 192.0.2.77"] }), true],
    ["text=~end$", exchange({ lines: [`${"x".repeat(600)}end`] }), false],
  ],
  numbers: [
    ["code==450", REFUSED, true],
    ["code!=450", REFUSED, false],
    ["code!=450", SILENCE, false],
    ["!(code==450)", SILENCE, true],
    ["code>=400", REFUSED, true],
    ["code>450", REFUSED, false],
    ["code<451", REFUSED, true],
    ["code<=449", REFUSED, false],
    ["code lt 500 and code ge 400", REFUSED, true],
    ["code", SILENCE, false],
    ["code in {450 451 452}", REFUSED, true],
    ["code in {250, 400..449, 452}", REFUSED, false],
    ["code in {400..499}", REFUSED, true],
    ["code in 400 .. 499", REFUSED, true],
    ["code in {400..499}", SILENCE, false],
    ["client.port==40112", REFUSED, true],
    ["server.port==25", V6, true],
    ["server.port==25", exchange({ server: "mx" }), false],
    ["tcp.stream==3", REFUSED, true],
    ["pipelined", REFUSED, false],
    ["pipelined==0", REFUSED, true],
    ["pipelined", exchange({ pipelinedBehind: 2 }), true],
    ["retransmits", exchange({ retransmits: 1 }), true],
    ["retransmits>1", exchange({ retransmits: 1 }), false],
  ],
  durations: [
    ["dur>1s", REFUSED, true],
    ["dur>1.25s", REFUSED, false],
    ["dur>=1250ms", REFUSED, true],
    ["dur==1250000us", REFUSED, true],
    ["dur==1250000µs", REFUSED, true],
    ["dur < 0.1m", REFUSED, true],
    ["service > 1h", REFUSED, false],
    ["dur==1.1s", exchange({ serviceUs: 1_100_000 }), true],
    ["dur<0.5us", exchange({ serviceUs: 0 }), true],
    ["dur>0.5us", exchange({ serviceUs: 1 }), true],
    ["dur in {1s..2s}", REFUSED, true],
    ["dur>0s", SILENCE, false],
    ["dur!=0s", SILENCE, false],
    ["think==1.3s", REFUSED, true],
    ["think", SILENCE, false],
  ],
  addresses: [
    ["client==10.2.0.7", REFUSED, true],
    ["client!=10.2.0.7", REFUSED, false],
    ["client==10.2.0.7:40112", REFUSED, true],
    ["client==10.2.0.7:25", REFUSED, false],
    ["client in 10.2.0.0/24", REFUSED, true],
    ["client==10.2.0.0/16", REFUSED, true],
    ["client in 10.2.0.99/24", REFUSED, true],
    ["client in 10.3.0.0/16", REFUSED, false],
    ["client in 0.0.0.0/0", REFUSED, true],
    ["client in 0.0.0.0/0", V6, false],
    ["client in {10.3.0.0/16 10.2.0.4/30}", REFUSED, true],
    ["client in {10.3.0.0/16, 2001:db8::/32}", V6, true],
    ["server==192.0.2.1:25", REFUSED, true],
    ["client==2001:db8::7", V6, true],
    ["client==2001:0DB8:0:0:0:0:0:7", V6, true],
    ["client==[2001:db8::7]", V6, true],
    ["client==[2001:db8::7]:40112", V6, true],
    ["client==[2001:db8::7]:25", V6, false],
    ["client in 2001:db8::/127", V6, false],
    ["client in ::/0", V6, true],
    ["client==10.2.0.7", MAPPED, true],
    ["client in ::ffff:10.2.0.0/120", REFUSED, true],
    ["client contains 10.2", REFUSED, true],
    ["client==10.2.0.7", exchange({ client: "unix" }), false],
    ["client", REFUSED, true],
  ],
  frames: [
    ["frame==10", REFUSED, true],
    ["frame==16", REFUSED, true],
    ["frame==13", REFUSED, false],
    ["frame!=13", REFUSED, true],
    ["frame!=16", REFUSED, false],
    ["frame in {12..14, 17}", REFUSED, true],
    ["frame in 12..14", REFUSED, false],
    ["frame>16", REFUSED, true],
    ["frame>17", REFUSED, false],
    ["frame<11", REFUSED, true],
    ["frame<10", REFUSED, false],
    ["frame<=10", REFUSED, true],
    ["frame!=1", exchange({ askedFrames: null, answeredFrames: null }), false],
    ["frame", exchange({ askedFrames: null, answeredFrames: null }), false],
    ["frame==11", SILENCE, true],
  ],
  flags: [
    ["tls", REFUSED, false],
    ["!tls", REFUSED, true],
    ["tls", exchange({ tls: true }), true],
    ["tls==true", exchange({ tls: true }), true],
    ["tls!=1", exchange({ tls: true }), false],
    ["tls==false", REFUSED, true],
    ["unanswered", SILENCE, true],
    ["unanswered", REFUSED, false],
  ],
  logic: [
    ["phase==rcpt && dur>1s && code=~^4", REFUSED, true],
    ["phase==rcpt and dur>1s and code==250", REFUSED, false],
    ["tls || code==450", REFUSED, true],
    ["tls or unanswered or code==450", REFUSED, true],
    ["tls && tls || code==450", REFUSED, true],
    ["code==450 || tls && tls", REFUSED, true],
    ["(code==450 || tls) && tls", REFUSED, false],
    ["!(tls || unanswered)", REFUSED, true],
    ["not tls and not unanswered", REFUSED, true],
    ["!!tls", REFUSED, false],
    ["! tls && tls", REFUSED, false],
    ["NOT tls AND code==450", REFUSED, true],
    ["\t( ( tls ) )\n", REFUSED, false],
    ["code==450&&!tls", REFUSED, true],
  ],
};

for (const [name, rows] of Object.entries(TABLES)) {
  describe(name, () => {
    for (const [filter, subject, want] of rows) {
      test(`${filter} → ${want}`, () => {
        expect(parseFilter(filter).matches(subject)).toBe(want);
      });
    }
  });
}

test("an address is read anew for every other text", () => {
  const filter = parseFilter("client in 10.2.0.0/24");
  const seen = ["10.2.0.7:1", "10.3.0.7:1", "10.2.0.7:1", "", "10.2.0.7:2"].map((client) =>
    filter.matches(exchange({ client })),
  );
  expect(seen).toEqual([true, false, true, false, true]);
});

test("what is not asked for is not made", () => {
  const fail = () => {
    throw new Error("made");
  };
  const costly = { ...REFUSED, command: fail, lines: fail };
  expect(parseFilter("code==250 && text contains x").matches(costly)).toBe(false);
});
