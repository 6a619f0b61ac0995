import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { MessageView, Party } from '../../src/contract/events.js';
import type { Client } from '../support/client.js';
import { download, upload } from '../support/files.js';
import { expireBefore } from '../support/retention.js';
import { type Device, type Shop, until, type World } from '../support/world.js';
import { type Model, ModelConversation, type ModelDevice, otherThan } from './model.js';

/** A device with what it holds. */
export interface RealDevice {
  device: Device;
  client: Client;
  /** Number of events it had heard when it was signed out. */
  heardAtTheEnd?: number;
}

export interface Real {
  world: World;
  shop: Shop;
  conversationIds: string[];
  devices: RealDevice[];
  /** Usernames of the devices' accounts. */
  usernames: string[];
}

type Command = fc.AsyncCommand<Model, Real>;
type Way = 'socket' | 'http';

/** An item that a command works on: numbers are drawn without knowing how many items there are. */
interface Found {
  index: number;
  mine: ModelDevice;
  real: RealDevice;
  place: number;
  conversation: ModelConversation;
  conversationId: string;
}

const which = fc.nat({ max: 999 });
const way = fc.constantFrom<Way>('socket', 'http');
const body = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .map((text) => `«${text.replaceAll('\0', '')}»`);

function find(model: Model, real: Real, device: number, place: number): Found {
  const index = device % model.devices.length;
  const mine = model.devices[index]!;
  const chosen = mine.conversations[place % mine.conversations.length]!;
  return {
    index,
    mine,
    real: real.devices[index]!,
    place: chosen,
    conversation: model.conversations[chosen]!,
    conversationId: real.conversationIds[chosen]!,
  };
}

/** Tells if a device can ask in this way. */
function can(model: Readonly<Model>, device: number, by: Way = 'http'): boolean {
  const { signedIn, connected } = model.devices[device % model.devices.length]!;
  return signedIn && (by === 'http' || connected);
}

interface Answered {
  data?: { seq: number; sentAt: string };
  code?: string;
}

async function send(
  { real: { device }, conversationId }: Found,
  by: Way,
  message: { clientId: string; body: string; attachmentIds: string[] },
): Promise<Answered> {
  if (by === 'socket') {
    const { data, error } = await device.emit('message.send', { conversationId, ...message });
    return { data, code: error?.code };
  }
  const answer = await device.ask('POST', `/api/conversations/${conversationId}/messages`, message);
  return answer.status < 300 ? { data: answer.body } : { code: answer.body.code };
}

const textOf = (id: number) => Buffer.from(`Appunti, foglio ${id}`);

/** Uploads so many files for a conversation. */
async function uploads({ real: { device }, conversationId }: Found, count: number): Promise<string[]> {
  const views = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      upload(device, textOf(index), { conversationId, name: `${index}.txt` }),
    ),
  );
  return views.map(({ id }) => id);
}

const described = (name: string, values: object) => () => `${name}(${JSON.stringify(values)})`;

/** Sends nothing that would be stored where a party has restricted the conversation: there everything new is refused. */
async function isRefused(model: Model, found: Found, by: Way): Promise<boolean> {
  if (found.conversation.restrictedBy.length === 0) return false;
  const message = { clientId: `m${model.sent++}`, body: 'Permesso?', attachmentIds: [] };
  expect(await send(found, by, message)).toEqual({ code: 'conversation_restricted' });
  return true;
}

/** A new message gets the next seq. */
const fewFiles = fc.constantFrom(0, 0, 0, 1, 2);

const sends = fc.record({ device: which, place: which, by: way, body, files: fewFiles }).map((values): Command => {
  const { device, place, by, body: text, files: count } = values;
  return {
    check: (model) => can(model, device, by),
    run: async (model, real) => {
      const found = find(model, real, device, place);
      if (await isRefused(model, found, by)) return;
      const files = await uploads(found, count);
      // Files need no words.
      const message = { clientId: `m${model.sent++}`, body: count === 2 ? '' : text };
      const { data } = await send(found, by, { ...message, attachmentIds: files });
      expect(data).toEqual({ seq: found.conversation.lastSeq + 1, sentAt: expect.any(String) });
      found.conversation.append({ ...message, files, sender: found.mine.party, ...data! });
    },
    toString: described('send', values),
  };
});

/** Several at once, some of them twice: each gets one of the next seqs, both copies the same. */
const sendsTogether = fc
  .array(fc.record({ device: which, place: which, by: way, body, twice: fc.boolean() }), { minLength: 2, maxLength: 6 })
  .map((several): Command => {
    return {
      check: (model) => several.every(({ device, by }) => can(model, device, by)),
      run: async (model, real) => {
        const open = several.filter(
          ({ device, place }) => find(model, real, device, place).conversation.restrictedBy.length === 0,
        );
        const sent = await Promise.all(
          open.map(async ({ device, place, by, body: text, twice }) => {
            const found = find(model, real, device, place);
            const message = { clientId: `m${model.sent++}`, body: text };
            const files = await uploads(found, twice ? 1 : 0);
            const copies = Array.from({ length: twice ? 2 : 1 }, () =>
              send(found, by, { ...message, attachmentIds: files }),
            );
            const answers = await Promise.all(copies);
            expect(answers[0]!.data).toBeDefined();
            for (const answer of answers) expect(answer).toEqual(answers[0]);
            return { ...message, files, sender: found.mine.party, place: found.place, ...answers[0]!.data! };
          }),
        );
        sent.sort((a, b) => a.seq - b.seq);
        for (const { place, ...message } of sent) model.conversations[place]!.append(message);
      },
      toString: described('send together', several),
    };
  });

/** The same clientId again: stored once when it is the same message, refused when it is another. */
const retries = fc
  .record({
    device: which,
    place: which,
    by: way,
    earlier: which,
    changed: fc.constantFrom('nothing', 'the text', 'the files'),
  })
  .map((values): Command => {
    const { device, place, by, earlier, changed } = values;
    return {
      check: (model) => can(model, device, by),
      run: async (model, real) => {
        const found = find(model, real, device, place);
        // By what has expired nothing is recognised any more.
        const own = found.conversation.messages.filter(
          ({ sender, expired }) => sender === found.mine.party && !expired,
        );
        if (own.length === 0) return;
        const { clientId, seq, sentAt, body: text, files, withdrawn } = own[earlier % own.length]!;
        const isOther = changed !== 'nothing';
        if (changed === 'the files' && found.conversation.restrictedBy.length > 0) return;
        const others = changed === 'the files' && !withdrawn ? await uploads(found, 1) : [];
        const answer = await send(found, by, {
          clientId,
          body: changed === 'the text' || withdrawn ? `${text}, cambiato` : text,
          attachmentIds: [...files, ...others],
        });
        // Of a withdrawn message nothing is left to compare with.
        const expected = isOther && !withdrawn ? { code: 'client_id_reused' } : { data: { seq, sentAt } };
        expect(answer).toEqual(expected);
      },
      toString: described('retry', values),
    };
  });

/** Watermarks only rise, and not beyond the last message. */
const receives = fc
  .record({ device: which, place: which, by: way, delivered: fc.option(which), seen: fc.option(which) })
  .filter(({ delivered, seen }) => delivered !== null || seen !== null)
  .map((values): Command => {
    const { device, place, by, delivered, seen } = values;
    return {
      check: (model) => can(model, device, by),
      run: async (model, real) => {
        const { conversation, conversationId, mine, real: asking } = find(model, real, device, place);
        const upTo = (number: number | null) => (number === null ? undefined : number % (conversation.lastSeq + 3));
        const receipt = { deliveredSeq: upTo(delivered), seenSeq: upTo(seen) };
        const beyond = Math.max(receipt.deliveredSeq ?? 0, receipt.seenSeq ?? 0) > conversation.lastSeq;
        const restricted = conversation.restrictedBy.length > 0;
        const code = beyond ? 'receipt_beyond_last' : restricted ? 'conversation_restricted' : undefined;
        const status = beyond ? 422 : restricted ? 403 : 204;
        if (by === 'socket') {
          const { error } = await asking.device.emit('receipt.send', { conversationId, ...receipt });
          expect(error?.code).toBe(code);
        } else {
          const answer = await asking.device.ask('PUT', `/api/conversations/${conversationId}/receipt`, receipt);
          expect([answer.status, answer.body.code]).toEqual([status, code]);
        }
        if (code === undefined) conversation.raise(mine.party, receipt);
      },
      toString: described('receive', values),
    };
  });

/** One's own message, as often as one likes; not the other's, and not one that is not there. */
const withdraws = fc.record({ device: which, place: which, seq: which }).map((values): Command => {
  const { device, place, seq } = values;
  return {
    check: (model) => can(model, device),
    run: async (model, real) => {
      const { conversation, conversationId, mine, real: asking } = find(model, real, device, place);
      const wanted = 1 + (seq % (conversation.lastSeq + 2));
      const message = conversation.messages[wanted - 1];
      const path = `/api/conversations/${conversationId}/messages/${wanted}`;
      const { status, body: answer } = await asking.device.ask('DELETE', path);
      const expected = !message
        ? [404, 'not_found']
        : message.sender !== mine.party
          ? [403, 'not_the_sender']
          : !message.withdrawn && !message.expired && conversation.restrictedBy.includes(otherThan(mine.party))
            ? [403, 'conversation_restricted']
            : [204, undefined];
      expect([status, answer.code]).toEqual(expected);
      if (status !== 204) return;
      model.erased.push(...message!.files);
      conversation.withdraw(message!);
    },
    toString: described('withdraw', values),
  };
});

/** A file that was sent or erased cannot be sent again, and nothing of the message is stored. */
const sendsAgain = fc.record({ device: which, place: which, by: way, file: which }).map((values): Command => {
  const { device, place, by, file } = values;
  return {
    check: (model) => can(model, device, by),
    run: async (model, real) => {
      const found = find(model, real, device, place);
      const gone = [
        ...model.conversations.flatMap(({ messages }) => messages.flatMap(({ files }) => files)),
        ...model.erased,
      ];
      if (gone.length === 0) return;
      const message = { clientId: `m${model.sent++}`, body: 'Di nuovo', attachmentIds: [gone[file % gone.length]!] };
      const restricted = found.conversation.restrictedBy.length > 0;
      const code = restricted ? 'conversation_restricted' : 'attachment_not_found';
      expect(await send(found, by, message)).toEqual({ code });
    },
    toString: described('send again', values),
  };
});

/** Both parties of its conversation get a file while its message stands, and nobody else ever. */
const fetches = fc.record({ device: which, file: which }).map((values): Command => {
  const { device, file } = values;
  return {
    check: (model) => can(model, device),
    run: async (model, real) => {
      const { mine, real: asking } = find(model, real, device, 0);
      const sent = model.conversations.flatMap(({ messages }, place) =>
        messages.flatMap(({ files }) => files.map((id) => ({ id, place }))),
      );
      const all = [...sent, ...model.erased.map((id) => ({ id, place: undefined }))];
      if (all.length === 0) return;
      const { id, place } = all[file % all.length]!;
      const mayRead = place !== undefined && mine.conversations.includes(place);
      const { token } = asking.device;
      const { status, bytes } = await download({ token, url: real.world.url }, `/api/attachments/${id}`);
      expect(status).toBe(mayRead ? 200 : 404);
      if (mayRead) expect(bytes.toString()).toMatch(/^Appunti, foglio [01]$/);
    },
    toString: described('fetch', values),
  };
});

/** The three ways to page, in pages of any size, give each message once and in order. */
const reads = fc
  .record({
    device: which,
    place: which,
    by: fc.constantFrom('after', 'before', 'changedAfter'),
    from: which,
    limit: fc.integer({ min: 1, max: 7 }),
  })
  .map((values): Command => {
    const { device, place, by, from, limit } = values;
    return {
      check: (model) => can(model, device),
      run: async (model, real) => {
        const { conversation, conversationId, real: asking } = find(model, real, device, place);
        const start = from % (conversation.revision + 2);
        const pages: MessageView[][] = [];
        let cursor: string | null = '';
        while (cursor !== null) {
          const query = `${by}=${start}&limit=${limit}${cursor && `&cursor=${cursor}`}`;
          const answer = await asking.device.ask('GET', `/api/conversations/${conversationId}/messages?${query}`);
          expect(answer.status).toBe(200);
          expect(answer.body.items.length).toBeLessThanOrEqual(limit);
          pages.push(answer.body.items);
          cursor = answer.body.nextCursor;
        }
        const found = (by === 'before' ? pages.reverse() : pages).flat();
        const expected = expectedOf(conversation, by, start);
        expect(found.map(viewOf)).toEqual(expected);
      },
      toString: described('read', values),
    };
  });

function expectedOf({ views }: ModelConversation, by: string, start: number) {
  if (by === 'after') return views.filter(({ seq }) => seq > start);
  if (by === 'before') return views.filter(({ seq }) => seq < start);
  return views.filter(({ revision }) => revision > start).sort((a, b) => a.revision - b.revision);
}

/** A message as the model knows it. */
export function viewOf(view: MessageView): ReturnType<() => ModelConversation['views'][number]> {
  const { seq, revision, sender, clientId, body: text, attachments, sentAt } = view;
  const { withdrawnAt, expiredAt, deliveredAt, seenAt } = view;
  return {
    seq,
    revision,
    sender,
    clientId,
    body: text,
    files: attachments.map(({ id }) => id),
    sentAt,
    withdrawn: withdrawnAt !== undefined,
    expired: expiredAt !== undefined,
    delivered: deliveredAt !== undefined,
    seen: seenAt !== undefined,
  };
}

/** The business deletes what is older than one of the messages, in all conversations that are not frozen. */
const expires = fc.record({ place: which, message: which }).map((values): Command => {
  return {
    check: (model) => model.conversations.some(({ messages }) => messages.length > 0),
    run: async (model, real) => {
      const { messages } = model.conversations[values.place % model.conversations.length]!;
      const before = messages[values.message % Math.max(1, messages.length)]?.sentAt;
      if (before === undefined) return;
      await expireBefore(real.world, real.shop.id, new Date(before));
      for (const conversation of model.conversations) model.erased.push(...conversation.expire(before));
    },
    toString: described('expire', values),
  };
});

/** Either party restricts a conversation and lifts its own restriction, as often as it likes. */
const restricts = fc.record({ device: which, place: which, lift: fc.boolean() }).map((values): Command => {
  const { device, place, lift } = values;
  return {
    check: (model) => can(model, device),
    run: async (model, real) => {
      const { conversation, conversationId, mine, real: asking } = find(model, real, device, place);
      const path = `/api/conversations/${conversationId}/restriction`;
      const answer = await asking.device.ask(lift ? 'DELETE' : 'PUT', path);
      const others = conversation.restrictedBy.filter((by) => by !== mine.party);
      const mineToo = lift || conversation.restrictedBy.includes(mine.party) ? conversation.restrictedBy : undefined;
      conversation.restrictedBy = lift ? others : (mineToo ?? [...others, mine.party]);
      expect(answer.status).toBe(200);
      expect(answer.body.restrictions.map(({ by }: { by: Party }) => by)).toEqual(conversation.restrictedBy);
    },
    toString: described('restrict', values),
  };
});

const liftsAll = fc.constant<Command>({
  check: (model) => model.conversations.some(({ restrictedBy }) => restrictedBy.length > 0),
  run: async (model, real) => {
    for (const [index, { party, conversations, signedIn }] of model.devices.entries()) {
      if (!signedIn) continue;
      for (const place of conversations) {
        const path = `/api/conversations/${real.conversationIds[place]!}/restriction`;
        const conversation = model.conversations[place]!;
        if (!conversation.restrictedBy.includes(party)) continue;
        await real.devices[index]!.device.ask('DELETE', path);
        conversation.restrictedBy = conversation.restrictedBy.filter((by) => by !== party);
      }
    }
  },
  toString: () => 'lift all',
});

const disconnects = fc.record({ device: which }).map((values): Command => {
  return {
    check: (model) => can(model, values.device, 'socket'),
    run: async (model, real) => {
      const { mine, real: leaving } = find(model, real, values.device, 0);
      leaving.device.disconnect();
      mine.connected = false;
    },
    toString: described('disconnect', values),
  };
});

/** As docs/events.md says: connect, then catch up. */
const reconnects = fc.record({ device: which }).map((values): Command => {
  return {
    check: (model) => can(model, values.device) && !can(model, values.device, 'socket'),
    run: async (model, real) => {
      const { mine, real: coming } = find(model, real, values.device, 0);
      await coming.device.connect();
      await coming.client.catchUp();
      mine.connected = true;
    },
    toString: described('reconnect', values),
  };
});

/** By the device itself, or by another one of the account. From the answer on it hears nothing, and asks in vain. */
const signsOut = fc.record({ device: which, another: fc.boolean() }).map((values): Command => {
  return {
    check: (model) => can(model, values.device),
    run: async (model, real) => {
      const { index, mine, real: leaving } = find(model, real, values.device, 0);
      const others = model.devices.flatMap((each, at) =>
        at !== index && sameParty(each, mine) && each.signedIn ? [at] : [],
      );
      const by = values.another && others.length > 0 ? real.devices[others[0]!]! : leaving;
      const path = by === leaving ? 'current' : leaving.device.sessionId;
      expect((await by.device.ask('DELETE', `/api/sessions/${path}`)).status).toBe(204);
      mine.signedIn = mine.connected = false;
      await until(() => !leaving.device.connected, 'the signed-out device is cut');
      leaving.heardAtTheEnd = leaving.device.heard.length;
      expect((await leaving.device.ask('GET', '/api/conversations')).status).toBe(401);
      await expect(leaving.device.connect()).rejects.toThrow('unauthenticated');
    },
    toString: described('sign out', values),
  };
});

/**
 * The business erases a contact, who is gone with its account and all of its devices, and joins anew. Nothing of before is there
 * for the one who joins, and everybody else forgets it.
 */
const erases = fc.record({ device: which, place: which }).map((values): Command => {
  return {
    check: (model) => can(model, values.device) && find(model, noReal, values.device, 0).mine.party === 'subscriber',
    run: async (model, real) => {
      const { place, conversation, conversationId, real: asking } = find(model, real, values.device, values.place);
      expect((await asking.device.ask('DELETE', `/api/contacts/${conversationId}`)).status).toBe(202);
      const path = `/api/conversations/${conversationId}/messages`;
      expect((await asking.device.ask('GET', path)).status).toBe(404);
      model.erased.push(...conversation.messages.flatMap(({ files }) => files));
      const person = await real.world.join(real.shop, place === 0 ? 'anna' : 'bruno');
      for (const [index, mine] of model.devices.entries()) {
        if (mine.party !== 'interlocutor' || !mine.conversations.includes(place)) continue;
        const leaving = real.devices[index]!;
        real.usernames[index] = person.username;
        if (!mine.signedIn) continue;
        mine.signedIn = mine.connected = false;
        await until(() => !leaving.device.connected, 'the device of an erased person is cut');
        leaving.heardAtTheEnd = leaving.device.heard.length;
        expect((await leaving.device.ask('GET', '/api/conversations')).status).toBe(401);
      }
      model.conversations[place] = new ModelConversation();
      real.conversationIds[place] = person.contactId;
    },
    toString: described('erase', values),
  };
});

/** For a look at the model alone. */
const noReal = { devices: [], conversationIds: [] } as unknown as Real;

const sameParty = (one: ModelDevice, other: ModelDevice) =>
  one.party === other.party && one.conversations.join() === other.conversations.join();

export const anyCommand = [
  sends,
  sends,
  sendsTogether,
  retries,
  receives,
  receives,
  withdraws,
  sendsAgain,
  fetches,
  reads,
  restricts,
  liftsAll,
  liftsAll,
  disconnects,
  reconnects,
  reconnects,
  signsOut,
  erases,
  expires,
];
