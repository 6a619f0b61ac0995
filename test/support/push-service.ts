import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { PushPayload } from '../../src/contract/push.js';
import { unique, until } from './world.js';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** The certificate that the service is told to trust. */
export const pushCertificate = here('tests-only.cert.pem');

/** A push as the service handed it over, opened with the browser's keys. */
export interface Pushed {
  browser: string;
  headers: IncomingHttpHeaders;
  payload: PushPayload;
  /** Bytes of the encrypted body. */
  size: number;
}

interface Reply {
  status: number;
  headers?: Record<string, string>;
}

/** The subscription that a page gets from its browser. */
export interface Subscription {
  endpoint: string;
  keys: { p256dh: string; auth: string };
}

/** A push service on this machine, for browsers whose keys it has: it opens what it gets, as they would (RFC 8291). */
export class PushService {
  readonly received: Pushed[] = [];
  /** Answers to a browser's pushes; 201 where nothing else is said. */
  reply: ((browser: string) => Reply | undefined) | undefined;
  /** Requests of which the head has come. */
  begun = 0;
  private readonly browsers = new Map<string, { private: Buffer; public: Buffer; auth: Buffer }>();
  private held: Socket[] | undefined;
  private answersHeld: (() => void)[] | undefined;
  private port = 0;

  private constructor(
    private readonly entrance: Server,
    private readonly server: HttpsServer,
  ) {}

  static async open(): Promise<PushService> {
    const [cert, key] = [readFileSync(pushCertificate), readFileSync(here('tests-only.key.pem'))];
    const server = createHttpsServer({ cert, key }, (request, response) => void service.take(request, response));
    const entrance = createServer((socket) => {
      socket.on('error', () => {});
      if (service.held) service.held.push(socket);
      else server.emit('connection', socket);
    });
    const service = new PushService(entrance, server);
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => entrance.listen(0, '127.0.0.1', resolve));
    service.port = (entrance.address() as AddressInfo).port;
    return service;
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  /** Another browser, with keys of its own. */
  browser(): { name: string; subscription: Subscription } {
    const ecdh = createECDH('prime256v1');
    const keys = { public: ecdh.generateKeys(), private: ecdh.getPrivateKey(), auth: randomBytes(16) };
    const name = `browser-${unique()}`;
    this.browsers.set(name, keys);
    const encoded = { p256dh: keys.public.toString('base64url'), auth: keys.auth.toString('base64url') };
    return { name, subscription: { endpoint: `${this.url}/push/${name}`, keys: encoded } };
  }

  to(browser: string): Pushed[] {
    return this.received.filter((push) => push.browser === browser);
  }

  /** Waits for so many pushes to a browser; the newest of them. */
  async pushes(browser: string, count = 1): Promise<Pushed> {
    await until(() => this.to(browser).length >= count, `${count} pushes to ${browser}`);
    return this.to(browser).at(-1)!;
  }

  /** Accepts connections without a word until they are released, so that each push stands before its first byte. */
  holdConnections(): { waiting: () => number; release: () => void } {
    this.held = [];
    const sockets = this.held;
    return {
      waiting: () => sockets.length,
      release: () => {
        this.held = undefined;
        for (const socket of sockets) this.server.emit('connection', socket);
      },
    };
  }

  /** Reads pushes and answers none until they are released. */
  holdAnswers(): { release: () => void } {
    const answers = (this.answersHeld = [] as (() => void)[]);
    return {
      release: () => {
        this.answersHeld = undefined;
        for (const answer of answers) answer();
      },
    };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.entrance.close(() => resolve()));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.begun++;
    const parts: Buffer[] = [];
    try {
      for await (const part of request) parts.push(part as Buffer);
    } catch {
      return;
    }
    const browser = request.url!.split('/').at(-1)!;
    const reply = this.reply?.(browser) ?? { status: 201 };
    if (reply.status === 201) {
      this.checkSender(request.headers);
      const body = Buffer.concat(parts);
      this.received.push({ browser, headers: request.headers, payload: this.opened(browser, body), size: body.length });
    }
    const answer = () => void response.writeHead(reply.status, reply.headers).end();
    if (this.answersHeld) this.answersHeld.push(answer);
    else answer();
  }

  /** RFC 8291 over RFC 8188, with one record. */
  private opened(browser: string, body: Buffer): PushPayload {
    const own = this.browsers.get(browser)!;
    const [salt, keyLength] = [body.subarray(0, 16), body[20]!];
    const sender = body.subarray(21, 21 + keyLength);
    const sealed = body.subarray(21 + keyLength);
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(own.private);
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), own.public, sender]);
    const material = Buffer.from(hkdfSync('sha256', ecdh.computeSecret(sender), own.auth, info, 32));
    const derived = (name: string, length: number) =>
      Buffer.from(hkdfSync('sha256', material, salt, `Content-Encoding: ${name}\0`, length));
    const decipher = createDecipheriv('aes-128-gcm', derived('aes128gcm', 16), derived('nonce', 12));
    decipher.setAuthTag(sealed.subarray(-16));
    const record = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    const end = record.lastIndexOf(2);
    if (end < 0 || record.subarray(end + 1).some((byte) => byte !== 0)) throw new Error('the padding is wrong');
    return JSON.parse(record.subarray(0, end).toString('utf8')) as PushPayload;
  }

  /** RFC 8292: a token for this push service, signed with the key that it names. */
  private checkSender({ authorization }: IncomingHttpHeaders): void {
    const [, token, key] = /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(authorization ?? '')!;
    const [head, claims, signature] = token!.split('.') as [string, string, string];
    const point = Buffer.from(key!, 'base64url');
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
    const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: x!, y: y! }, format: 'jwk' });
    const signed = Buffer.from(`${head}.${claims}`);
    const signatureBytes = Buffer.from(signature, 'base64url');
    if (!verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signatureBytes))
      throw new Error('the token of the sender is not signed with its key');
    const { aud, exp, sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
    const soon = Date.now() / 1000 + 24 * 60 * 60;
    if (aud !== this.url || !(Number(exp) <= soon) || !/^(mailto:|https:)/.test(String(sub)))
      throw new Error('the token of the sender is for another push service, too long, or of nobody');
  }
}
