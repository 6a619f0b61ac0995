import { Device, expectStatus, password, pause, people, type Reach, shops, unique } from './world.js';

/** A shop with one interlocutor, on a service that was started as a process. */
export interface BootedShop {
  username: string;
  owner: Device;
  anna: Device;
  conversationId: string;
}

export async function registration(service: Reach): Promise<Record<string, unknown>> {
  const { body } = await service.ask('GET', '/api/policies/current?audience=subscriber&locale=it');
  const consents = body.items.map(({ id, purpose }: { id: string; purpose: string }) => ({ policyId: id, purpose }));
  return { ...shops.bakery, username: `bakery${unique()}`, password, consents };
}

export async function openShop(service: Reach): Promise<BootedShop> {
  const body = await registration(service);
  const registered = await service.ask('POST', '/api/subscribers', { body });
  expectStatus(registered, 201);
  const owner = deviceOf(service, registered.body.session);
  const { device: anna, conversationId } = await join(service, owner, 'anna');
  return { username: String(body['username']), owner, anna, conversationId };
}

/** Somebody new joins, and may say yes to promotions. */
export async function join(
  service: Reach,
  owner: Device,
  person: keyof typeof people,
  { promotions = false } = {},
): Promise<{ username: string; device: Device; conversationId: string }> {
  const { code } = (await owner.ask('POST', '/api/invitations', { kind: 'open' })).body;
  const { policies } = (await service.ask('GET', `/api/invitations/by-code/${code}?locale=it`)).body;
  const purposes = promotions ? ['privacy', 'promotions'] : ['privacy'];
  const consents = purposes.map((purpose) => ({ policyId: policies[0].id, purpose }));
  const joined = await service.ask('POST', `/api/invitations/by-code/${code}/acceptance`, {
    body: { ...people[person], password, ageConfirmed: true, locale: 'it', consents },
  });
  expectStatus(joined, 201);
  const { interlocutor, contact, session } = joined.body;
  return { username: interlocutor.username, device: deviceOf(service, session), conversationId: contact.id };
}

export async function signIn(service: Reach, username: string): Promise<Device> {
  const answer = await service.ask('POST', '/api/sessions', { body: { username, password } });
  expectStatus(answer, 201);
  return deviceOf(service, answer.body);
}

function deviceOf(service: Reach, { id, token }: { id: string; token: string }): Device {
  return new Device(service, token, id);
}

/** Sends one message after another, each under its clientId until it is acknowledged, whatever happens meanwhile. */
export class Sender {
  readonly acknowledged: { clientId: string; seq: number }[] = [];
  private readonly work: Promise<void>;
  private finished = false;

  constructor(
    private readonly device: Device,
    private readonly conversationId: string,
  ) {
    this.work = this.send();
  }

  async finish(): Promise<void> {
    this.finished = true;
    await this.work;
  }

  private async send(): Promise<void> {
    while (!this.finished) {
      const clientId = unique();
      let seq: number | undefined;
      while ((seq = await this.attempt(clientId)) === undefined) await pause(20);
      this.acknowledged.push({ clientId, seq });
    }
  }

  private async attempt(clientId: string): Promise<number | undefined> {
    const path = `/api/conversations/${this.conversationId}/messages`;
    try {
      const { status, body } = await this.device.ask('POST', path, { clientId, body: `Un messaggio: ${clientId}` });
      return status < 300 ? body.seq : undefined;
    } catch {
      // Nobody answers at the moment.
      return undefined;
    }
  }
}

/** Every message of the conversation, as the device reads it. */
export async function read(
  device: Device,
  conversationId: string,
): Promise<{ seq: number; clientId: string; body: string }[]> {
  const messages = [];
  let cursor = '';
  do {
    const path = `/api/conversations/${conversationId}/messages?after=0&limit=200${cursor && `&cursor=${cursor}`}`;
    const answer = await device.ask('GET', path);
    expectStatus(answer, 200);
    messages.push(...answer.body.items);
    cursor = answer.body.nextCursor ?? '';
  } while (cursor);
  return messages;
}
