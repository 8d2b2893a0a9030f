import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createSecureContext, TLSSocket } from "node:tls";
import { afterAll } from "vitest";

/** A mail server that says what is asked of it; STARTTLS works if it is given a certificate. */
export interface MailServer {
  readonly port: number;
  /** Commands that it was sent. */
  readonly heard: string[];
  banner: (connection: number) => string;
  keywords: string[];
}

export async function mailServer(secured: { key: Buffer; cert: Buffer } | null): Promise<MailServer> {
  const heard: string[] = [];
  let connections = 0;
  const server: Server = createServer((socket) => converse(socket, ++connections));
  const mail: MailServer = {
    port: 0,
    heard,
    banner: (n) => `220 mx.example.net ESMTP Exim 4.96 Tue, 24 Nov 2026 20:20:${10 + n} +0000`,
    keywords: ["SIZE 52428800", "PIPELINING", ...(secured === null ? [] : ["STARTTLS"]), "HELP"],
  };
  const converse = (socket: Socket, connection: number) => {
    const say = (text: string) => socket.write(`${text.replaceAll("\n", "\r\n")}\r\n`);
    socket.on("error", () => {});
    say(mail.banner(connection));
    socket.on("data", (bytes: Buffer) => {
      for (const line of bytes.toString("latin1").split("\r\n").filter(Boolean)) {
        heard.push(line);
        const verb = line.split(" ")[0]!.toUpperCase();
        if (verb === "EHLO") {
          const lines = [`mx.example.net Hello ${line.slice(5)}`, ...mail.keywords];
          say(lines.map((text, i) => `250${i === lines.length - 1 ? " " : "-"}${text}`).join("\n"));
        } else if (verb === "QUIT") {
          say(`221 mx.example.net closing connection ${connection}`);
          socket.end();
        } else if (verb === "STARTTLS" && secured !== null) {
          say("220 go ahead");
          socket.removeAllListeners("data");
          new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(secured) }).on(
            "error",
            () => {},
          );
        } else say(verb === "HELP" ? "214 see RFC 5321" : "250 OK");
      }
    });
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterAll(() => {
    server.close();
  });
  return Object.assign(mail, { port: (server.address() as AddressInfo).port });
}

/** Made with openssl; null where there is none, which is a fault where CI says so. */
export function certificateIn(folder: string): { key: Buffer; cert: Buffer; fingerprint: string } | null {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  if (!existsSync("/usr/bin/openssl")) {
    if (process.env.CI) throw new Error("openssl is missing: apt-get install openssl");
    return null;
  }
  execFileSync(
    "openssl",
    [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=mx.example.net".split(
        " ",
      ),
      ...["-addext", "subjectAltName=DNS:mx.example.net", "-keyout", key, "-out", cert],
    ],
    { stdio: "ignore" },
  );
  const pem = readFileSync(cert);
  const digest = createHash("sha256").update(new X509Certificate(pem).raw).digest("hex").toUpperCase();
  return { key: readFileSync(key), cert: pem, fingerprint: digest.match(/../g)!.join(":") };
}
