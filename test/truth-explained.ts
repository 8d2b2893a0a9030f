/** Where the script around tshark and we differ, with the packets that show why. Checked to the letter. */
export const EXPLAINED: Record<string, { why: string; differences: string[] }> = {
  "PcapPlusPlus__Smtp.pcap": {
    why: "Frame 5 is the client's second AUTH answer (a line of its own); tshark's script leaves what follows the first answer unread. 137 bytes of the server's, acknowledged by frame 4, were never captured.",
    differences: ["stream 0: tshark undefined | ours 5 1254722769254118 5 1254722769254118 -> -"],
  },
  "arkime__smtp-subject-windows.pcap": {
    why: 'Frame 4 ends in `.` LF LF: the server took the lone dot as the end (frame 18) and the empty line behind it as a command, which is what `500 Command unrecognized: ""` in frame 20 answers.',
    differences: [
      "stream 0: tshark unsolicited -> 500 20-20 1394118475137088 1394118475137088 | ours 4 1394118475011509 4 1394118475011509 -> 500 20-20 1394118475137088 1394118475137088",
    ],
  },
  "made-multi-snaplen96.pcap": {
    why: "Every segment over 42 octets was cut. tshark closes the stream over the missing octets, so lines run into one another; we know where octets are missing, and frames 4 to 36 then pair as in the uncut capture. What the cuts touch is tainted.",
    differences: [
      "stream 0: tshark banner -> 220 4-8 1782924043756477 1782924043757011 | ours banner -> 220 4-4 1782924043756477 1782924043756477",
      "stream 0: tshark 6 1782924043756923 6 1782924043756923 -> 250 10-10 1782924043757333 1782924043757333 | ours 6 1782924043756923 6 1782924043756923 -> 250 8-8 1782924043757011 1782924043757011",
      "stream 0: tshark 9 1782924043757214 11 1782924043757478 -> 250 12-12 1782924043758412 1782924043758412 | ours 9 1782924043757214 0 null -> 250 10-10 1782924043757333 1782924043757333",
      "stream 0: tshark 13 1782924043758755 13 1782924043758755 -> 354 14-18 1782924043758881 1782924043766740 | ours 11 1782924043757478 11 1782924043757478 -> 250 12-12 1782924043758412 1782924043758412",
      "stream 0: tshark unsolicited -> 250 20-20 1782924043768102 1782924043768102 | ours 13 1782924043758755 13 1782924043758755 -> 354 14-14 1782924043758881 1782924043758881",
      "stream 0: tshark unsolicited -> 354 22-26 1782924043768371 1782924043771188 | ours 0 null -> 250 16-16 1782924043766421 1782924043766421",
      "stream 0: tshark unsolicited -> 250 28-28 1782924043772111 1782924043772111 | ours 17 1782924043766578 17 1782924043766578 -> 250 18-18 1782924043766740 1782924043766740",
      "stream 0: tshark unsolicited -> 250 30-30 1782924043772552 1782924043772552 | ours 19 1782924043767141 19 1782924043767141 -> 250 20-20 1782924043768102 1782924043768102",
      "stream 0: tshark unsolicited -> 354 32-36 1782924043773041 1782924043775659 | ours 21 1782924043768264 21 1782924043768264 -> 354 22-22 1782924043768371 1782924043768371",
      "stream 0: tshark undefined | ours 0 null -> 250 24-24 1782924043770734 1782924043770734",
      "stream 0: tshark undefined | ours 25 1782924043771051 0 null -> 250 26-26 1782924043771188 1782924043771188",
      "stream 0: tshark undefined | ours 27 1782924043771394 27 1782924043771394 -> 250 28-28 1782924043772111 1782924043772111",
      "stream 0: tshark undefined | ours 29 1782924043772359 29 1782924043772359 -> 250 30-30 1782924043772552 1782924043772552",
      "stream 0: tshark undefined | ours 31 1782924043772879 31 1782924043772879 -> 354 32-32 1782924043773041 1782924043773041",
      "stream 0: tshark undefined | ours 0 null -> 250 34-34 1782924043775439 1782924043775439",
      "stream 0: tshark undefined | ours 35 1782924043775564 35 1782924043775564 -> 221 36-36 1782924043775659 1782924043775659",
    ],
  },
  "suricata-verify__smtperr.pcap": {
    why: "Frame 6 holds five replies that quote the client's binary lines; the third quotes a line feed, so it goes on in a line without a code. That line is the rest of a reply and not an answer; frames 6 and 11 then answer the lines of frame 4 in order, the last one before its line feed came.",
    differences: [
      "stream 0: tshark 4 1392836559520425 4 1392836559520425 -> null 6-6 1392836559994093 1392836559994093 | ours 4 1392836559520425 4 1392836559520425 -> 500 6-6 1392836559994093 1392836559994093",
      "stream 0: tshark unsolicited -> 500 6-6 1392836559994093 1392836559994093 | ours 4 1392836559520425 0 null -> 500 11-11 1392836565695330 1392836565695330",
      "stream 0: tshark unsolicited -> 500 11-11 1392836565695330 1392836565695330 | ours undefined",
    ],
  },
  "zeek__smtp-bdat-gap.pcap": {
    why: "1,000 octets of the client's (sequence 201 to 1200) were never captured; frame 24 acknowledges them. tshark closes the stream over them, reads DATA as part of the chunk and the message as commands. With the gap, frame 26 is DATA, frame 28 its 354, frame 30 the message and its end, and frame 24 answers a command that was never captured.",
    differences: [
      "stream 0: tshark 18 1776224521175746 27 1776224521179872 -> 250 20-20 1776224521176905 1776224521176905 | ours 18 1776224521175746 0 null -> 250 20-20 1776224521176905 1776224521176905",
      "stream 0: tshark 27 1776224521179872 26 1776224521179453 -> 354 28-28 1776224521180292 1776224521180292 | ours 26 1776224521179453 26 1776224521179453 -> 354 28-28 1776224521180292 1776224521180292",
      "stream 0: tshark 30 1776224521181135 30 1776224521181135 -> 250 32-32 1776224521181981 1776224521181981 | ours 30 1776224521181135 -> 250 32-32 1776224521181981 1776224521181981",
      "stream 0: tshark 30 1776224521181135 30 1776224521181135 -> 221 36-36 1776224521183673 1776224521183673 | ours 34 1776224521182826 34 1776224521182826 -> 221 36-36 1776224521183673 1776224521183673",
      "stream 0: tshark 30 1776224521181135 30 1776224521181135 -> - | ours unsolicited -> 250 24-24 1776224521178603 1776224521178603",
      "stream 0: tshark 30 1776224521181135 30 1776224521181135 -> - | ours undefined",
      "stream 0: tshark 30 1776224521181135 30 1776224521181135 -> - | ours undefined",
      "stream 0: tshark 30 1776224521181135 30 1776224521181135 -> - | ours undefined",
      "stream 0: tshark 34 1776224521182826 34 1776224521182826 -> - | ours undefined",
      "stream 0: tshark unsolicited -> 250 24-24 1776224521178603 1776224521178603 | ours undefined",
    ],
  },
};
