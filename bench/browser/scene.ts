import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'playwright-core';
import { io, type Socket } from 'socket.io-client';
import { launchChromium } from '../../test/support/chromium.js';
import { password, registrationOf } from '../../test/support/names.js';
import { ServerProcess } from '../delivery/server-process.js';

const devices = {
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  desktop: { viewport: { width: 1440, height: 900 } },
};

export interface Shop {
  token: string;
  username: string;
  code: string;
  subscriberId: string;
}
export interface Person {
  token: string;
  username: string;
  conversationId: string;
}

export class Scene {
  readonly shop: Shop;
  readonly browser: Browser;
  private readonly server: ServerProcess;

  constructor(server: ServerProcess, shop: Shop, browser: Browser) {
    this.server = server;
    this.shop = shop;
    this.browser = browser;
  }

  get url(): string {
    return this.server.url;
  }

  async person(name: string): Promise<Person> {
    const { policies } = await ask(this.url, 'GET', `/api/invitations/by-code/${this.shop.code}?locale=it`);
    const { interlocutor, contact, session } = await ask(
      this.url,
      'POST',
      `/api/invitations/by-code/${this.shop.code}/acceptance`,
      {
        body: {
          firstName: name,
          surname: 'Rossi',
          email: `${name.toLowerCase()}@mail.example`,
          password,
          ageConfirmed: true,
          locale: 'it',
          consents: [{ policyId: policies[0].id, purpose: 'privacy' }],
        },
      },
    );
    return { token: session.token, username: interlocutor.username, conversationId: contact.id };
  }

  /** Sends so many messages of a person to the shop, of different lengths. */
  async write(person: Person, count: number): Promise<void> {
    const socket = await connect(this.url, person.token);
    for (let sent = 0; sent < count; sent += 50) {
      const batch = Array.from({ length: Math.min(50, count - sent) }, (_, index) => sent + index);
      await Promise.all(
        batch.map(async (number) => {
          const body = `${number} ${'pane e burro '.repeat(1 + ((number * 7) % 20))}`;
          const message = { conversationId: person.conversationId, clientId: `w${number}`, body };
          await send(socket, message);
        }),
      );
    }
    socket.disconnect();
  }

  /** A browser context that is signed in to one of the apps. */
  async signedIn(
    app: 'dashboard' | 'app',
    username: string,
    device: 'desktop' | 'phone' = app === 'app' ? 'phone' : 'desktop',
  ): Promise<BrowserContext> {
    const context = await this.browser.newContext({
      ...devices[device],
      baseURL: this.url,
      locale: 'it-IT',
      reducedMotion: 'reduce',
    });
    const answer = await context.request.post('/api/sessions', {
      headers: { 'X-Colloquio-App': app, origin: this.url },
      data: { username, password },
    });
    if (answer.status() !== 201) throw new Error(await answer.text());
    await context.addInitScript((key) => {
      if (location.protocol !== 'about:') localStorage.setItem(key, '1');
    }, `colloquio-${app}-here`);
    return context;
  }
}

/** Starts the service on data of its own, which `fill` may make before, and a browser. */
export async function onScene(
  work: (scene: Scene) => Promise<void>,
  fill: (dataDir: string) => Promise<Shop | undefined> = () => Promise.resolve(undefined),
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'colloquio-bench-'));
  const shop = await fill(dataDir);
  const server = await ServerProcess.colloquio({
    DATA_DIR: dataDir,
    REGISTRATION: 'open',
    RATE_MESSAGES: '1000000',
    RATE_SIGN_IN: '1000',
    RATE_JOIN: '1000',
    LOG_LEVEL: 'error',
  });
  const browser = await launchChromium();
  try {
    await work(new Scene(server, shop ?? (await register(server.url)), browser));
  } finally {
    await browser.close();
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export async function register(url: string): Promise<Shop> {
  const { items } = await ask(url, 'GET', '/api/policies/current?audience=subscriber&locale=it');
  const username = 'forno.aurora';
  const { session, subscriber } = await ask(url, 'POST', '/api/subscribers', {
    body: registrationOf('bakery', username, items),
  });
  const { code } = await ask(url, 'POST', '/api/invitations', { token: session.token, body: { kind: 'open' } });
  return { token: session.token, username, code, subscriberId: subscriber.id };
}

export async function connect(url: string, token: string): Promise<Socket> {
  const socket = io(url, { auth: { token }, transports: ['websocket'], reconnection: false, forceNew: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
  return socket;
}

/** @throws Error when the service refuses the message. */
export async function send(socket: Socket, message: object): Promise<void> {
  const answer = (await socket.emitWithAck('message.send', message)) as { error?: { detail: string } };
  if (answer.error) throw new Error(answer.error.detail);
}

interface Request {
  token?: string;
  body?: unknown;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a bench reads any field of any answer
export async function ask(url: string, method: string, path: string, { token, body }: Request = {}): Promise<any> {
  const answer = await fetch(url + path, {
    method,
    // While Lighthouse runs, this process closes no connection that the service has given up.
    headers: {
      'content-type': 'application/json',
      connection: 'close',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
