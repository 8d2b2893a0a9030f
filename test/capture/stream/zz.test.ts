import { test } from "vitest";
import { writeFileSync } from "node:fs";
import { encodePcap, recordsOf } from "./packets.ts";
import { randomMix } from "./random-mix.ts";
import { record } from "./recording.ts";
test("x", () => {
const mk=(name:string, seed:number, o:any)=>{const p=randomMix(seed,o); writeFileSync(`/tmp/o/${name}-${seed}.pcap`, encodePcap(recordsOf(p))); return p;};
const orderly={conversations:12,losses:false,disorder:false,mischief:false}, dis={...orderly,disorder:true}, all={conversations:20,losses:true,disorder:true,mischief:true};
for (let s=1;s<120;s++){mk("orderly",s,orderly);mk("dis",s,dis); mk("all",s,all);}
});
