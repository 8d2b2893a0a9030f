/**
 * TUN device: IP packets of the firewall's namespace come to this program, and go on when it writes them back.
 */
import { openSync, read, writeSync } from "node:fs";
import koffi from "koffi";

const DEVICE = "tun0";
const TUNSETIFF = 0x400454ca;
const TUN_WITHOUT_HEADER = 0x1001;
const TCP = 6;
/** More than a packet of Ethernet. */
const LONGEST = 2_048;

/** Opens it. Answers `{start, send}`; `start(onPacket)` hands over TCP packets over IPv4, lent until it returns. */
export function openTun() {
  const fd = openSync("/dev/net/tun", "r+");
  const ioctl = koffi.load("libc.so.6").func("int ioctl(int, unsigned long, uint8_t *)");
  const request = Buffer.alloc(40);
  request.write(DEVICE, "latin1");
  request.writeUInt16LE(TUN_WITHOUT_HEADER, 16);
  if (ioctl(fd, TUNSETIFF, request) !== 0) throw new Error("no TUN device");
  const start = (onPacket) => {
    read(fd, Buffer.alloc(LONGEST), 0, LONGEST, null, (error, length, buffer) => {
      if (error) return;
      // Whatever else a new interface is told, such as IPv6 solicitations.
      if (buffer[0] >> 4 === 4 && buffer[9] === TCP) onPacket(buffer.subarray(0, length));
      start(onPacket);
    });
  };
  const send = (packet) => {
    try {
      writeSync(fd, packet);
    } catch {
      // The device is gone at the end of a run.
    }
  };
  return { start, send };
}
