import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Answer, AskOptions, Reach } from './world.js';

/** A service as one reaches it through its port. */
export class ServicePort implements Reach {
  readonly url: string;

  constructor(
    private readonly port: number,
    /** With it the service is asked by HTTPS. */
    private readonly certificate?: string,
  ) {
    this.url = `${certificate ? 'https' : 'http'}://localhost:${port}`;
  }

  /** Tells if a new connection could still reach it. */
  async listens(address = '127.0.0.1'): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, address, () => socket.end(() => resolve(true)));
      socket.once('error', () => resolve(false));
    });
  }

  async ask(method: string, path: string, { token, body, headers }: AskOptions = {}): Promise<Answer> {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const { status, headers: answered, text } = await answerTo(this.request(method, path, { token, headers }), content);
    const json = answered.get('content-type')?.includes('json');
    return { status, headers: answered, body: json ? JSON.parse(text) : text };
  }

  /** A request that is begun: the service waits for its body. */
  async begin(method: string, path: string, body: unknown): Promise<{ finish(): Promise<number>; drop(): void }> {
    const agent = new Agent({ keepAlive: true });
    const begun = this.request(method, path, { headers: { expect: '100-continue' }, agent });
    // It may be dropped by either side before anybody waits for its answer.
    begun.on('error', () => {}).flushHeaders();
    await once(begun, 'continue');
    return {
      finish: async () => (await answerTo(begun, JSON.stringify(body))).status,
      drop: () => void begun.destroy(),
    };
  }

  /** A connection over which something has been said, and answered. */
  async dial(words: string): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1', () => socket.write(words));
    await once(socket, 'data');
    return socket.resume().on('error', () => {});
  }

  private request(method: string, path: string, { token, headers, agent }: AskOptions & { agent?: Agent }) {
    const options = {
      method,
      agent: agent ?? false,
      headers: {
        'content-type': 'application/json',
        ...(token && { authorization: `Bearer ${token}` }),
        ...headers,
      },
    };
    if (!this.certificate) return httpRequest(this.url + path, options);
    return httpsRequest(this.url + path, { ...options, ca: readFileSync(this.certificate) });
  }
}

async function answerTo(request: ClientRequest, body: string | undefined) {
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const headers = new Headers();
  for (const [name, values] of Object.entries(response.headersDistinct)) {
    for (const value of values!) headers.append(name, value);
  }
  return { status: response.statusCode!, headers, text: await text(response) };
}
