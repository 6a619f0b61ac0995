import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hostileFiles, latitude, place } from './hostile-files/corpus.js';
import { askToUpload, download } from './support/files.js';
import { type Answer, expectStatus, type Person, type Shop, World } from './support/world.js';

/** Each file of the corpus is sent by one party, and the other party gets no more of it than it should. */

let world: World;
let bakery: Shop;
let anna: Person;

beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
});
afterAll(() => world.close());

const harmful = /html|svg|xml(?!formats)|script|msdownload|executable/i;

describe.each(hostileFiles)('$title', ({ name, make, expected, secret, refused }) => {
  test('has the expected result for the other party', async () => {
    const bytes = await make();
    const uploaded: Answer = await askToUpload(anna.device, bytes, { conversationId: anna.contactId, name });
    expectStatus(uploaded, refused ?? 201);
    if (refused) return;
    const { type, family, inline, thumbnail, note, width, height, duration, pages } = expected;
    expect(uploaded.body).toMatchObject(
      JSON.parse(JSON.stringify({ mediaType: type, family, inline, note, width, height, duration, pages })),
    );
    expect(uploaded.body.thumbnail !== undefined).toBe(thumbnail);
    const id: string = uploaded.body.id;
    const sent = await anna.device.ask('POST', `/api/conversations/${anna.contactId}/messages`, {
      clientId: id,
      body: '',
      attachmentIds: [id],
    });
    expectStatus(sent, 201);

    const get = (path: string) => download({ url: world.url, token: bakery.owner.token }, path);
    const answer = await get(`/api/attachments/${id}`);
    expect(answer.status).toBe(200);
    expect(answer.bytes.length).toBe(bytes.length);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    // In a sandbox Chrome shows an empty page for these.
    const policy =
      ['pdf', 'audio', 'video'].includes(family) && inline ? /^default-src 'none'/ : /^sandbox; default-src 'none'/;
    expect(answer.headers.get('content-security-policy')).toMatch(policy);
    expect(answer.headers.get('cache-control')).toContain('private');
    const disposition = answer.headers.get('content-disposition')!;
    expect(disposition).toMatch(inline ? /^inline;/ : /^attachment;/);
    expect(disposition).not.toMatch(/\p{Cc}/u);
    expect(decodeURIComponent(disposition)).not.toMatch(/[\u202a-\u202e]/);
    expect(answer.headers.get('content-type')).not.toMatch(harmful);
    if (note === 'active_content') expect(disposition).toMatch(/^attachment;/);
    if (family === 'text' && inline)
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain; charset=(utf-8|utf-16le|windows-1252)$/);
    if (secret) {
      expect(answer.bytes.includes(place)).toBe(false);
      expect(answer.bytes.includes(latitude)).toBe(false);
    } else expect(answer.bytes.equals(bytes) || family === 'image' || family === 'video').toBe(true);
    if (thumbnail) {
      const small = await get(`/api/attachments/${id}/thumbnail`);
      expect({ status: small.status, type: small.headers.get('content-type') }).toEqual({
        status: 200,
        type: 'image/webp',
      });
    }
  });
});

test('the service works as before after all of them', async () => {
  expectStatus(await anna.device.ask('GET', '/api/health/ready'), 200);
});
