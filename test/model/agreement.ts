import { expect } from '@jest/globals';
import fc from 'fast-check';
import { Client, plain } from '../support/client.js';
import { World } from '../support/world.js';
import { anyCommand, type Real, viewOf } from './commands.js';
import { type Model, ModelConversation } from './model.js';

interface Both {
  model: Model;
  real: Real;
}

/** A shop and two of its people, each with two devices. */
async function begin(world: World): Promise<Both> {
  const shop = await world.shop('bakery');
  const [anna, bruno] = await Promise.all([world.join(shop, 'anna'), world.join(shop, 'bruno')]);
  const signedOut = { signedIn: false, connected: false };
  const model: Model = {
    conversations: [new ModelConversation(), new ModelConversation()],
    devices: [
      { party: 'subscriber', conversations: [0, 1], ...signedOut },
      { party: 'subscriber', conversations: [0, 1], ...signedOut },
      { party: 'interlocutor', conversations: [0], ...signedOut },
      { party: 'interlocutor', conversations: [0], ...signedOut },
      { party: 'interlocutor', conversations: [1], ...signedOut },
      { party: 'interlocutor', conversations: [1], ...signedOut },
    ],
    sent: 0,
    erased: [],
  };
  const usernames = [shop, shop, anna, anna, bruno, bruno].map(({ username }) => username);
  const conversationIds = [anna.contactId, bruno.contactId];
  return { model, real: { world, shop, conversationIds, devices: [], usernames } };
}

/** Signs every device in that is not, and connects those that are away. */
async function gather({ model, real }: Both): Promise<void> {
  await Promise.all(
    model.devices.map(async (each, index) => {
      if (!each.signedIn) {
        const device = await (await real.world.signIn(real.usernames[index]!)).connect();
        real.devices[index] = { device, client: await new Client(device, each.party).load() };
      } else if (!each.connected) {
        const { device, client } = real.devices[index]!;
        await device.connect();
        await client.catchUp();
      }
      each.signedIn = each.connected = true;
    }),
  );
}

/** Checks that a device holds the state of the model, and the state of a fresh load. */
async function compare({ model, real }: Both, index: number): Promise<void> {
  const { party, conversations, signedIn, connected } = model.devices[index]!;
  const { device, client, heardAtTheEnd } = real.devices[index]!;
  if (!signedIn) return expect(device.heard.length).toBe(heardAtTheEnd);
  // What was told before this answer has come before it.
  if (connected) expect(await device.emit('nothing')).toMatchObject({ error: { code: 'unknown_event' } });
  else await client.catchUp();
  await client.hear();
  const { heads, messages } = client.held;
  for (const place of conversations) {
    const id = real.conversationIds[place]!;
    const conversation = model.conversations[place]!;
    expect(heads.get(id)).toMatchObject(conversation.headFor(party));
    const held = [...messages.get(id)!.values()].sort((a, b) => a.seq - b.seq);
    expect(held.map(viewOf)).toEqual(conversation.views);
  }
  const fresh = await new Client(device, party).load();
  // Signed-in devices are loaded when they are shown, and not caught up on.
  const devices = new Set<string>();
  expect(plain({ ...client.held, devices })).toEqual(plain({ ...fresh.held, devices }));
}

/** Above this number of messages a comparison takes longer than it is worth. */
const manyMessages = 80;

interface Length {
  /** So many sequences, unless the seconds are over before. */
  sequences?: number;
  seconds?: number;
  seed?: number;
}

/** Lets devices do anything in any order, and compares after each sequence. Gives how many there were. */
export async function agree({ sequences: most = 1_000_000, seconds, seed }: Length): Promise<number> {
  const world = await World.open({ RATE_UPLOADS: '1000000' });
  let sequences = 0;
  // A sequence goes on where the one before has ended, unless that has failed.
  let going: Both | undefined;
  const property = fc.asyncProperty(fc.commands(anyCommand, { maxCommands: 80, size: 'max' }), async (commands) => {
    const both = going && going.model.sent < manyMessages ? going : await begin(world);
    going = undefined;
    await gather(both);
    await fc.asyncModelRun(() => both, commands);
    await Promise.all(both.model.devices.map((_, index) => compare(both, index)));
    going = both;
    sequences++;
  });
  try {
    await fc.assert(property, {
      numRuns: most,
      ...(seed !== undefined && { seed }),
      ...(seconds !== undefined && { interruptAfterTimeLimit: seconds * 1000 }),
    });
  } finally {
    await world.close();
  }
  return sequences;
}
