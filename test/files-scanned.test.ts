import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { Scans } from '../src/attachments/scans.service.js';
import { ClamdServer, eicar } from './support/clamd.js';
import { bytesOf, download, objectsOf, upload } from './support/files.js';
import { type Device, expectStatus, type Person, settle, type Shop, unique, until, World } from './support/world.js';

/** Promise 8: nobody gets a file that a configured scanner has not found clean, nor where a picture was taken. */

let clamd: ClamdServer;
let world: World;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  clamd = await ClamdServer.listen();
  world = await World.open({ CLAMD_URL: clamd.url });
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
  await bakery.owner.connect();
  await anna.device.connect();
});
afterAll(async () => {
  await world.close();
  await clamd.close();
});
beforeEach(() => {
  clamd.mood = 'well';
});

const messages = () => `/api/conversations/${anna.contactId}/messages`;
const send = async (device: Device, attachmentIds: string[]) => {
  const answer = await device.ask('POST', messages(), { clientId: unique(), body: '', attachmentIds });
  expectStatus(answer, 201);
  return answer.body.seq as number;
};
const get = (device: Device, id: string, part = '') =>
  download({ url: world.url, token: device.token }, `/api/attachments/${id}${part}`);
const scan = (id: string) => world.service.app.get(Scans).scan({ subscriberId: bakery.id, attachmentId: id });

describe('a file', () => {
  test('is pending until the scanner finds it clean, and only its uploader hears of that while it is unsent', async () => {
    const bytes = bytesOf(100_000);
    const scanning = Promise.withResolvers<void>();
    clamd.held = scanning.promise;
    const view = await upload(anna.device, bytes, { conversationId: anna.contactId });
    scanning.resolve();
    expect(view).toMatchObject({ state: 'pending', scanned: false });
    const told = await anna.device.hears('attachment.changed', ({ id }) => id === view.id);
    expect(told).toEqual({
      id: view.id,
      state: 'ready',
      attachment: { ...view, state: 'ready', scanned: true },
      message: null,
    });
    await settle();
    expect(bakery.owner.heard.filter(({ event }) => event === 'attachment.changed')).toEqual([]);
    expect((await get(anna.device, view.id)).bytes.equals(bytes)).toBe(true);
  });

  test('can be sent while the scanner is unavailable, and downloaded only once it is back', async () => {
    clamd.mood = 'rude';
    const { id } = await upload(anna.device, bytesOf(1_000), { conversationId: anna.contactId });
    const seq = await send(anna.device, [id]);
    await expect(scan(id)).rejects.toThrow('scanner_');
    for (const device of [bakery.owner, anna.device]) {
      const answer = await get(device, id);
      expect([answer.status, answer.problem().code]).toEqual([409, 'attachment_pending']);
    }
    const { body: before } = await bakery.owner.ask('GET', `/api/conversations/${anna.contactId}`);
    clamd.mood = 'well';
    await scan(id);
    for (const device of [bakery.owner, anna.device]) {
      const told = await device.hears('attachment.changed', (each) => each.id === id);
      expect(told).toMatchObject({
        state: 'ready',
        message: { conversationId: anna.contactId, seq, revision: before.revision + 1 },
      });
      expect((await get(device, id)).status).toBe(200);
    }
    const path = `${messages()}?changedAfter=${before.revision}`;
    const { body: changed } = await bakery.owner.ask('GET', path);
    expect(changed.items).toMatchObject([{ seq, attachments: [{ id, state: 'ready', scanned: true }] }]);
  });

  test('in which the scanner finds a virus is erased at once, and its view stays', async () => {
    const clean = (await objectsOf(world)).length;
    const view = await upload(anna.device, Buffer.from(eicar), { conversationId: anna.contactId, name: 'regalo.txt' });
    await anna.device.hears('attachment.changed', ({ id, state }) => id === view.id && state === 'rejected');
    const answer = await get(anna.device, view.id);
    expect([answer.status, answer.problem().code]).toEqual([410, 'attachment_rejected']);
    await until(async () => (await objectsOf(world)).length === clean, 'an erased object');
    const refused = await anna.device.ask('POST', messages(), {
      clientId: unique(),
      body: 'Ecco',
      attachmentIds: [view.id],
    });
    expect(refused.body.code).toBe('attachment_not_found');
  });

  test('that is rejected after it was sent is shown as such to both parties', async () => {
    clamd.mood = 'rude';
    const { id } = await upload(anna.device, Buffer.from(eicar), { conversationId: anna.contactId });
    const seq = await send(anna.device, [id]);
    clamd.mood = 'well';
    await scan(id);
    for (const device of [bakery.owner, anna.device]) {
      await device.hears('attachment.changed', (each) => each.id === id && each.state === 'rejected');
      const { body } = await device.ask('GET', `${messages()}?limit=1`);
      expect(body.items[0]).toMatchObject({ seq, attachments: [{ id, state: 'rejected', scanned: true }] });
      expect((await get(device, id)).status).toBe(410);
    }
  });

  test('of a broadcast must be clean before the broadcast is created', async () => {
    clamd.mood = 'rude';
    const { id } = await upload(bakery.owner, bytesOf(100), { broadcast: true });
    const wanted = {
      clientId: unique(),
      kind: 'service',
      reason: 'closure',
      body: 'Orari',
      audience: { all: true },
      attachmentIds: [id],
    };
    const early = await bakery.owner.ask('POST', '/api/broadcasts', wanted);
    expect([early.status, early.body.code]).toEqual([409, 'attachment_pending']);
    clamd.mood = 'well';
    await scan(id);
    expectStatus(await bakery.owner.ask('POST', '/api/broadcasts', wanted), 202);
  });
});

describe('a picture', () => {
  const where = {
    GPSLatitudeRef: 'N',
    GPSLatitude: '44/1 17/1 7/1',
    GPSLongitudeRef: 'E',
    GPSLongitude: '11/1 52/1 30/1',
  };
  const picture = () =>
    sharp({
      create: {
        width: 3_000,
        height: 1_500,
        channels: 3,
        background: 'orange',
        noise: { type: 'gaussian', mean: 120, sigma: 40 },
      },
    })
      .withExif({ IFD0: { Copyright: 'Anna Rossi', Make: 'Fotocamera' }, IFD3: where })
      .jpeg()
      .toBuffer();

  test('has its size and two smaller versions, and does not reveal where it was taken', async () => {
    const bytes = await picture();
    expect(bytes.includes('Fotocamera')).toBe(true);
    const view = await upload(anna.device, bytes, { conversationId: anna.contactId, name: 'torta.jpg' });
    await anna.device.hears('attachment.changed', ({ id }) => id === view.id);
    await send(anna.device, [view.id]);
    expect(view).toMatchObject({ family: 'image', mediaType: 'image/jpeg', width: 3_000, height: 1_500, inline: true });
    const { body } = await bakery.owner.ask('GET', `${messages()}?limit=1`);
    const [shown] = body.items[0].attachments;
    expect(shown).toMatchObject({ thumbnail: { width: 320, height: 160 }, display: { width: 2_048, height: 1_024 } });
    for (const part of ['', '/thumbnail', '/display']) {
      const answer = await get(bakery.owner, view.id, part);
      expect([answer.status, answer.headers.get('content-disposition')]).toEqual([200, 'inline; filename=torta.jpg']);
      const { exif, width } = await sharp(answer.bytes).metadata();
      expect(exif?.includes('Fotocamera') ?? false).toBe(false);
      expect(answer.bytes.includes('Anna Rossi')).toBe(false);
      expect(width).toBe({ '': 3_000, '/thumbnail': 320, '/display': 2_048 }[part]);
    }
    const original = await get(bakery.owner, view.id);
    expect(original.bytes.length).toBe(bytes.length);
    const [a, b] = await Promise.all([bytes, original.bytes].map((each) => sharp(each).raw().toBuffer()));
    expect(a!.equals(b!)).toBe(true);
  });

  test('in SVG, like a page, is only offered for saving, as plain bytes', async () => {
    for (const [name, text] of [
      ['logo.png', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
      ['pagina.txt', '<!doctype html><script>alert(1)</script>'],
    ] as const) {
      const { id } = await upload(anna.device, Buffer.from(text), { conversationId: anna.contactId, name });
      await anna.device.hears('attachment.changed', (each) => each.id === id);
      const { headers } = await get(anna.device, id);
      expect(headers.get('content-disposition')).toMatch(/^attachment; /);
      expect(headers.get('content-type')).toBe('application/octet-stream');
    }
  });
});
