import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { KeyRenewals } from '../src/archive/key-renewals.service.js';
import { limits } from '../src/contract/limits.js';
import { rebuildIndex } from '../src/commands/index-rebuilding.js';
import { run } from './support/commands.js';
import { upload } from './support/files.js';
import {
  type Answer,
  type Device,
  expectStatus,
  type Person,
  type Shop,
  type Staff,
  unique,
  until,
  World,
} from './support/world.js';

/** Promise 1: everything that a party has written and received is found again, by that party alone. */

let world: World;
let shop: Shop;
let anna: Person;
let bruno: Person;
let sara: Staff;

beforeAll(async () => {
  world = await World.shared();
});
afterAll(() => world.close());
beforeEach(async () => {
  shop = await world.shop('bakery');
  anna = await world.join(shop, 'anna', { promotions: true });
  bruno = await world.join(shop, 'bruno', { promotions: true });
  sara = await world.staff(shop);
});

/** Sends a message over HTTP and gives its seq. */
async function say(device: Device, contactId: string, body: string): Promise<number> {
  const answer = await device.ask('POST', `/api/conversations/${contactId}/messages`, { clientId: unique(), body });
  expectStatus(answer, 201);
  return answer.body.seq;
}

const search = (device: Device, ask: Record<string, unknown>): Promise<Answer> =>
  device.ask('POST', '/api/archive/searches', ask);

/** The texts that a search finds, newest first, of all its pages. */
async function found(device: Device, ask: Record<string, unknown> | string): Promise<string[]> {
  const texts: string[] = [];
  let next: Record<string, unknown> | undefined = typeof ask === 'string' ? { q: ask } : ask;
  while (next) {
    const answer: Answer = await search(device, next);
    expectStatus(answer, 200);
    texts.push(...answer.body.items.map(({ snippet }: { snippet: { text: string } }) => snippet.text));
    next = answer.body.nextCursor ? { cursor: answer.body.nextCursor } : undefined;
  }
  return texts;
}

/** Waits until a search finds so much. */
async function finds(device: Device, ask: Record<string, unknown> | string, texts: string[]): Promise<void> {
  let last: string[] = [];
  await until(
    async () => {
      last = await found(device, ask);
      return last.length >= texts.length;
    },
    `${JSON.stringify(ask)} finds ${texts.length}`,
  );
  expect(last).toEqual(texts);
}

async function broadcast(text: string, changes: Record<string, unknown> = {}): Promise<string> {
  const answer = await shop.owner.ask('POST', '/api/broadcasts', {
    clientId: unique(),
    kind: 'service',
    reason: 'other',
    body: text,
    audience: { all: true },
    ...changes,
  });
  expectStatus(answer, 202);
  await until(async () => {
    const { body } = await shop.owner.ask('GET', `/api/broadcasts/${answer.body.id}`);
    return body.state === 'finished';
  }, 'the broadcast ends');
  return answer.body.id;
}

describe('a message is found', () => {
  test('by its words in any form, with and without accents, by both parties', async () => {
    await say(anna.device, anna.contactId, 'Perché non avete più i biscotti alle mandorle?');
    await say(shop.owner, anna.contactId, "Domani. Intanto c'è dell'olio nuovo");
    for (const device of [anna.device, shop.owner, sara.device]) {
      await finds(device, 'biscotto mandorla', ['Perché non avete più i biscotti alle mandorle?']);
      await finds(device, 'perche', ['Perché non avete più i biscotti alle mandorle?']);
      await finds(device, 'olio', ["Domani. Intanto c'è dell'olio nuovo"]);
      await finds(device, "l'olio", ["Domani. Intanto c'è dell'olio nuovo"]);
    }
    expect(await found(bruno.device, 'biscotti')).toEqual([]);
  });

  test('by codes, addresses and links, whole and in parts, and by a phrase', async () => {
    const text = 'Ordine ORD-2024/118, scrivete a cassa@aurora.example o su https://aurora.example/menu';
    await say(shop.owner, anna.contactId, text);
    await say(shop.owner, anna.contactId, 'Il menu: cassa di pane');
    for (const q of [
      'ord-2024/118',
      '118',
      'cassa@aurora.example',
      'https://aurora.example/menu',
      '"su https"',
      'aurora -pane',
    ])
      await finds(shop.owner, q, [text]);
    await finds(shop.owner, 'menu', ['Il menu: cassa di pane', text]);
    expect(await found(shop.owner, '"pane cassa"')).toEqual([]);
    expect(await found(shop.owner, 'menu -cassa')).toEqual([]);
    await finds(shop.owner, { has: ['link'] }, [text]);
  });

  test('by telephone numbers, IBANs and codes, however their groups are divided', async () => {
    await say(anna.device, anna.contactId, 'Il mio numero è 333 1234567');
    await say(anna.device, anna.contactId, 'Bonifico su IT60 X054 2811 1010 0000 0123 456, targa AB 123 CD');
    await say(anna.device, anna.contactId, 'La sera: +393337654321');
    await finds(shop.owner, '3337654321', ['La sera: +393337654321']);
    for (const q of ['3331234567', '333 123 4567', '+39 333 1234567', '333-1234567'])
      expect([q, await found(shop.owner, q)]).toEqual([q, ['Il mio numero è 333 1234567']]);
    for (const q of ['IT60X0542811101000000123456', 'it60 x0542811101000000123456', 'AB123CD'])
      expect([q, await found(anna.device, q)]).toEqual([q, [expect.stringContaining('IT60 X054')]]);
  });

  test('by words so common that they are not in the index', async () => {
    await say(anna.device, anna.contactId, 'Non so se ci sono');
    await finds(anna.device, 'non ci', ['Non so se ci sono']);
    await finds(anna.device, '"se ci sono"', ['Non so se ci sono']);
    expect(await found(anna.device, '"ci se"')).toEqual([]);
    expect(await found(anna.device, 'ci -non')).toEqual([]);
  });

  test('with its place, its counterpart and the matches in it', async () => {
    const text = `${'Buongiorno a tutti voi. '.repeat(20)}La focaccia è pronta. ${'A presto. '.repeat(40)}`;
    const seq = await say(sara.device, anna.contactId, text);
    await until(async () => (await found(anna.device, 'focaccia')).length > 0, 'it is found');
    const { body } = await search(sara.device, { q: 'focacce' });
    const [hit] = body.items;
    expect(hit).toMatchObject({
      kind: 'message',
      conversationId: anna.contactId,
      seq,
      broadcastId: null,
      sender: 'subscriber',
      author: { id: sara.id, displayName: 'Sara' },
      counterpart: { kind: 'interlocutor', displayName: 'Anna Rossi' },
    });
    const { snippet } = hit;
    expect(snippet).toMatchObject({ cutBefore: true, cutAfter: true });
    expect(
      snippet.highlights.map(({ start, end }: { start: number; end: number }) => snippet.text.slice(start, end)),
    ).toEqual(['focaccia']);
    const ofAnna = (await search(anna.device, { q: 'focaccia' })).body.items[0];
    expect(ofAnna.counterpart).toMatchObject({ kind: 'subscriber', businessName: 'Forno Aurora' });
    expect(ofAnna).not.toHaveProperty('author');
  });

  test('no longer as soon as it is withdrawn', async () => {
    const seq = await say(anna.device, anna.contactId, 'Pistacchio segreto');
    await finds(shop.owner, 'pistacchio', ['Pistacchio segreto']);
    expectStatus(await anna.device.ask('DELETE', `/api/conversations/${anna.contactId}/messages/${seq}`), 204);
    for (const device of [anna.device, shop.owner]) expect(await found(device, 'pistacchio')).toEqual([]);
    await until(async () => {
      const rows = await world.rows('SELECT FROM search_entry WHERE subscriber_id = $1 AND seq = $2', [shop.id, seq]);
      return rows.length === 0;
    }, 'its entry goes too');
  });

  test('in a conversation that is restricted', async () => {
    await say(anna.device, anna.contactId, 'Amaretti');
    await world.rows('UPDATE conversation SET restricted_by_interlocutor = now() WHERE id = $1', [anna.contactId]);
    await finds(anna.device, 'amaretti', ['Amaretti']);
    await finds(shop.owner, 'amaretti', ['Amaretti']);
  });
});

describe('a search is filtered', () => {
  test('by conversation, sender, author, label, date and kind', async () => {
    await say(anna.device, anna.contactId, 'Pane uno');
    await say(shop.owner, anna.contactId, 'Pane due');
    await say(sara.device, bruno.contactId, 'Pane tre');
    await say(bruno.device, bruno.contactId, 'Pane quattro');
    await broadcast('Pane a tutti');
    await finds(shop.owner, 'pane', ['Pane a tutti', 'Pane quattro', 'Pane tre', 'Pane due', 'Pane uno']);
    const filtered = (ask: Record<string, unknown>) => found(shop.owner, { q: 'pane', ...ask });
    expect(await filtered({ with: anna.contactId })).toEqual(['Pane a tutti', 'Pane due', 'Pane uno']);
    expect(await found(shop.owner, { with: bruno.contactId })).toEqual(['Pane a tutti', 'Pane quattro', 'Pane tre']);
    expect(await filtered({ from: 'interlocutor' })).toEqual(['Pane quattro', 'Pane uno']);
    expect(await filtered({ from: 'subscriber' })).toEqual(['Pane a tutti', 'Pane tre', 'Pane due']);
    expect(await filtered({ author: sara.id })).toEqual(['Pane tre']);
    expect(await found(shop.owner, { author: sara.id })).toEqual(['Pane tre']);
    expect(await filtered({ broadcasts: true })).toEqual(['Pane a tutti']);
    expect(await filtered({ broadcasts: true, with: anna.contactId })).toEqual(['Pane a tutti']);
    const { body: label } = await shop.owner.ask('POST', '/api/labels', { name: 'Amici' });
    expectStatus(await shop.owner.ask('PATCH', `/api/contacts/${bruno.contactId}`, { labels: [label.id] }), 200);
    expect(await filtered({ label: [label.id] })).toEqual(['Pane quattro', 'Pane tre']);
    const { body } = await search(shop.owner, { q: 'tre' });
    const { sentAt } = body.items[0];
    expect(await filtered({ after: sentAt })).toEqual(['Pane a tutti', 'Pane quattro', 'Pane tre']);
    expect(await filtered({ before: sentAt })).toEqual(['Pane due', 'Pane uno']);
    expect(await filtered({ before: '2020-01-01T00:00:00Z' })).toEqual([]);
  });

  test('by its files, and by their names', async () => {
    const picture = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const sendFile = async (bytes: Buffer, name: string, body: string) => {
      const { id } = await upload(anna.device, bytes, { conversationId: anna.contactId, name });
      const content = { clientId: unique(), body, attachmentIds: [id] };
      expectStatus(await anna.device.ask('POST', `/api/conversations/${anna.contactId}/messages`, content), 201);
    };
    await sendFile(picture, 'Torta_nuziale-2024.png', 'La torta');
    await sendFile(Buffer.from('Farina, uova, burro'), 'ricetta torta.txt', '');
    await say(anna.device, anna.contactId, 'Solo una torta');
    await finds(shop.owner, 'torta', ['Solo una torta', '', 'La torta']);
    await finds(shop.owner, { fileName: 'torta' }, ['', 'La torta']);
    expect(await found(shop.owner, { has: ['image'] })).toEqual(['La torta']);
    expect(await found(shop.owner, { has: ['file'], q: 'ricetta' })).toEqual(['']);
    expect(await found(shop.owner, { has: ['file', 'link'] })).toEqual([]);
    expect(await found(anna.device, 'torta_nuziale')).toEqual(['La torta']);
    const { body } = await search(shop.owner, { fileName: 'nuziale' });
    expect(body.items[0].files).toMatchObject([
      { name: 'Torta_nuziale-2024.png', family: 'image', highlights: [{ start: 6, end: 13 }] },
    ]);
  });

  test('by GET as by POST', async () => {
    await say(anna.device, anna.contactId, 'Grissini al sesamo');
    await finds(shop.owner, 'grissini', ['Grissini al sesamo']);
    const { body } = await shop.owner.ask('GET', `/api/archive?q=sesamo&from=interlocutor&with=${anna.contactId}`);
    expect(body.items).toHaveLength(1);
  });
});

describe('a broadcast', () => {
  test('is one result for the business, and a message in the conversation of each recipient', async () => {
    const id = await broadcast('Sabato apriamo alle sette con le brioche');
    await finds(shop.owner, 'brioche', ['Sabato apriamo alle sette con le brioche']);
    const { body } = await search(shop.owner, { q: 'brioche' });
    expect(body.items[0]).toMatchObject({
      kind: 'broadcast',
      broadcastId: id,
      conversationId: null,
      seq: null,
    });
    for (const { device, contactId } of [anna, bruno]) {
      const { body: own } = await search(device, { q: 'brioche' });
      expect(own.items).toMatchObject([{ kind: 'message', broadcastId: id, conversationId: contactId, seq: 1 }]);
    }
    const rows = await world.rows('SELECT seq FROM search_entry WHERE subscriber_id = $1', [shop.id]);
    expect(rows).toEqual([{ seq: 0 }]);
    // Nothing was written for each of its recipients.
    expect(await world.rows('SELECT FROM feed_progress WHERE subscriber_id = $1', [shop.id])).toEqual([]);
  });

  test('with a filled-in name is found by that name only by its recipient', async () => {
    await broadcast('Ciao {{firstName}}, il panettone è arrivato');
    await finds(shop.owner, 'panettone', ['Ciao {{firstName}}, il panettone è arrivato']);
    expect(await found(anna.device, 'anna panettone')).toEqual(['Ciao Anna, il panettone è arrivato']);
    expect(await found(anna.device, 'bruno')).toEqual([]);
    expect(await found(bruno.device, 'anna')).toEqual([]);
  });

  test('withdrawn for one recipient is found by the others', async () => {
    await broadcast('Colomba di Pasqua');
    await finds(shop.owner, 'colomba', ['Colomba di Pasqua']);
    expectStatus(await shop.owner.ask('DELETE', `/api/conversations/${anna.contactId}/messages/1`), 204);
    expect(await found(anna.device, 'colomba')).toEqual([]);
    expect(await found(bruno.device, 'colomba')).toEqual(['Colomba di Pasqua']);
  });

  test('does not hide messages before and after it', async () => {
    await say(anna.device, anna.contactId, 'Torta di mele');
    await broadcast('Torta di pere');
    await say(anna.device, anna.contactId, 'Torta di noci');
    await finds(anna.device, 'torta', ['Torta di noci', 'Torta di pere', 'Torta di mele']);
    await finds(shop.owner, 'torta', ['Torta di noci', 'Torta di pere', 'Torta di mele']);
  });
});

describe('an interlocutor', () => {
  test('searches its conversations with all businesses at once, or with one', async () => {
    const florist = await world.shop('florist');
    const there = await world.joinAlso(anna, florist);
    await say(anna.device, anna.contactId, 'Vorrei le rose di pane');
    await say(anna.device, there, 'Vorrei le rose rosse');
    await finds(anna.device, 'rose', ['Vorrei le rose rosse', 'Vorrei le rose di pane']);
    expect(await found(anna.device, { q: 'rose', with: there })).toEqual(['Vorrei le rose rosse']);
    expect(await found(florist.owner, 'rose')).toEqual(['Vorrei le rose rosse']);
    expect(await found(shop.owner, 'rose')).toEqual(['Vorrei le rose di pane']);
  });
});

describe('pages', () => {
  test('neither skip nor repeat results while messages arrive', async () => {
    const texts = Array.from({ length: 25 }, (_, number) => `Consegna numero ${number}`);
    for (const [index, text] of texts.entries())
      await say(index % 2 ? anna.device : shop.owner, index % 3 ? anna.contactId : anna.contactId, text);
    await finds(shop.owner, { q: 'consegna', limit: 100 }, [...texts].reverse());
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const { body }: Answer = await search(shop.owner, cursor ? { cursor, limit: 4 } : { q: 'consegna', limit: 4 });
      seen.push(...body.items.map(({ snippet }: { snippet: { text: string } }) => snippet.text));
      cursor = body.nextCursor;
      await say(anna.device, anna.contactId, `Consegna nuova ${seen.length}`);
    } while (cursor);
    expect(seen).toEqual([...texts].reverse());
  });

  test('have cursors that do not reveal the query, and that others cannot use', async () => {
    await say(anna.device, anna.contactId, 'Focaccia zucchine');
    await say(anna.device, anna.contactId, 'Focaccia zucchine e fiori');
    await finds(anna.device, 'zucchine', ['Focaccia zucchine e fiori', 'Focaccia zucchine']);
    const { body } = await search(anna.device, { q: 'zucchine', limit: 1 });
    expect(Buffer.from(body.nextCursor, 'base64url').toString('latin1')).not.toContain('zucchine');
    const refused = await search(bruno.device, { cursor: body.nextCursor });
    expect([refused.status, refused.body.errors[0].code]).toEqual([400, 'cursor']);
    expect(await found(anna.device, { cursor: body.nextCursor })).toEqual(['Focaccia zucchine']);
  });
});

describe('an impossible search is refused with advice', () => {
  const refusal = async (device: Device, ask: Record<string, unknown>) => {
    const { status, body } = await search(device, ask);
    return [status, body.errors?.[0].field, body.errors?.[0].code];
  };

  test('if it has no query, no word or too many', async () => {
    expect(await refusal(shop.owner, {})).toEqual([400, 'q', 'required']);
    expect(await refusal(shop.owner, { limit: 5 })).toEqual([400, 'q', 'required']);
    expect(await refusal(shop.owner, { q: '?! "" -' })).toEqual([400, 'q', 'no_words']);
    const most = 'a '.repeat(0) + Array.from({ length: limits.archiveQueryWords }, (_, n) => `p${n}`).join(' ');
    expect((await search(shop.owner, { q: most })).status).toBe(200);
    expect(await refusal(shop.owner, { q: `${most} uno` })).toEqual([400, 'q', 'too_many']);
    expect((await search(shop.owner, { q: 'x'.repeat(limits.archiveQueryLength) })).status).toBe(200);
    expect(await refusal(shop.owner, { q: 'x'.repeat(limits.archiveQueryLength + 1) })).toEqual([400, 'q', 'too_long']);
    expect(await refusal(shop.owner, { has: ['gold'] })).toEqual([400, 'has', 'not_one_of']);
  });

  test('if an interlocutor uses filters of members', async () => {
    expect(await refusal(anna.device, { q: 'pane', label: [shop.id] })).toEqual([
      400,
      'label',
      'not_for_interlocutors',
    ]);
    expect(await refusal(anna.device, { q: 'pane', author: sara.id })).toEqual([
      400,
      'author',
      'not_for_interlocutors',
    ]);
  });

  test('if its conversation is not the asker’s, as if it did not exist', async () => {
    for (const id of [bruno.contactId, '01a20799-0000-7000-8000-000000000009'])
      expect((await search(anna.device, { q: 'pane', with: id })).status).toBe(404);
  });
});

describe('many searches', () => {
  test('do not hold up messages', async () => {
    for (let number = 0; number < 20; number++) await say(anna.device, anna.contactId, `Non di che il la un ${number}`);
    await bruno.device.connect();
    const answers = Promise.all(
      Array.from({ length: 40 }, (_, number) => search(shop.owner, { q: `"di che non" il la ${number}` })),
    );
    for (let sent = 0; sent < 5; sent++) await bruno.device.say(bruno.contactId, `${sent}`);
    for (const answer of await answers) expect([200, 429]).toContain(answer.status);
  });

  test('of one account wait for each other, and those beyond its queue are refused', async () => {
    await say(anna.device, anna.contactId, 'Pane');
    await finds(shop.owner, 'pane', ['Pane']);
    const waiting = limits.archiveSearchesWaitingPerAccount;
    // One is under way, and goes on once the index is free again.
    const answers = await world.holding('LOCK TABLE search_entry IN ACCESS EXCLUSIVE MODE', [], async () => {
      const asked = Array.from({ length: waiting + 2 }, () => search(shop.owner, { q: 'pane' }));
      const first = await Promise.race(asked);
      expect([first.status, first.body.code]).toEqual([429, 'rate_limited']);
      return asked;
    });
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(waiting + 1);
    expect(statuses.filter((status) => status === 429)).toHaveLength(1);
  });

  test('are refused beyond the account’s rate', async () => {
    const statuses: number[] = [];
    for (let number = 0; number < 125; number++) statuses.push((await search(sara.device, { q: 'pane' })).status);
    expect(statuses.indexOf(429)).toBe(120);
    expect((await search(sara.device, { q: 'pane' })).body).toMatchObject({ code: 'rate_limited' });
    expect((await search(shop.owner, { q: 'pane' })).status).toBe(200);
  });
});

describe('messages around a result', () => {
  test('are as many before it as after it', async () => {
    for (let number = 1; number <= 12; number++) await say(anna.device, anna.contactId, `Messaggio ${number}`);
    const seqs = async (query: string) => {
      const { body } = await shop.owner.ask('GET', `/api/conversations/${anna.contactId}/messages?${query}`);
      return body.items.map(({ seq }: { seq: number }) => seq);
    };
    expect(await seqs('around=6&limit=5')).toEqual([4, 5, 6, 7, 8]);
    expect(await seqs('around=1&limit=4')).toEqual([1, 2, 3, 4]);
    expect(await seqs('around=12&limit=5')).toEqual([10, 11, 12]);
    const { status, body } = await shop.owner.ask(
      'GET',
      `/api/conversations/${anna.contactId}/messages?around=3&after=2`,
    );
    expect([status, body.errors[0].field, body.errors[0].code]).toEqual([400, 'around', 'exclusive']);
  });
});

describe('a new search key', () => {
  const age = (seconds: number) =>
    world.rows(`UPDATE search_key SET begun_at = now() - make_interval(secs => $2) WHERE subscriber_id = $1`, [
      shop.id,
      seconds,
    ]);
  const key = async () => {
    const query =
      'SELECT number, done_at IS NOT NULL AS done, place_id AS place FROM search_key WHERE subscriber_id = $1';
    const [row] = await world.rows<{ number: number; done: boolean; place: string | null }>(query, [shop.id]);
    return row!;
  };
  const tokens = async () => {
    const query = 'SELECT unnest(tokens) AS token FROM search_entry WHERE subscriber_id = $1';
    return new Set((await world.rows<{ token: number }>(query, [shop.id])).map(({ token }) => token));
  };

  test('replaces every token of the index after a month, in steps, while everything can be found', async () => {
    const renewals = world.service.app.get(KeyRenewals, { strict: false });
    await anna.device.connect();
    const numbered = Array.from({ length: 250 }, (_, number) => `focaccia ${number}`);
    for (let start = 0; start < numbered.length; start += 50)
      await Promise.all(numbered.slice(start, start + 50).map((text) => anna.device.say(anna.contactId, text)));
    await say(anna.device, anna.contactId, 'Una torta di mele');
    await broadcast('Domani torta per tutti');
    const withdrawn = await say(anna.device, anna.contactId, 'Una torta segreta');
    await finds(shop.owner, 'torta', ['Una torta segreta', 'Domani torta per tutti', 'Una torta di mele']);
    await until(async () => (await found(shop.owner, 'focaccia')).length === 250, 'all are indexed');
    const before = await tokens();
    await renewals.workFor(0);
    expect(await key()).toMatchObject({ number: 0, done: true });

    await age(31 * 24 * 60 * 60);
    await renewals.workFor(0);
    // Other nodes may write with the old key for a while, so nothing is made anew yet.
    expect(await key()).toEqual({ number: 1, done: false, place: null });
    await say(bruno.device, bruno.contactId, 'Anche io voglio la torta');
    await finds(shop.owner, 'torta', [
      'Anche io voglio la torta',
      'Una torta segreta',
      'Domani torta per tutti',
      'Una torta di mele',
    ]);
    expect(await found(anna.device, 'torta')).toHaveLength(3);
    const path = `/api/conversations/${anna.contactId}/messages/${withdrawn}`;
    expectStatus(await anna.device.ask('DELETE', path), 204);

    await age(10 * 60);
    await renewals.workFor(0);
    expect(await key()).toMatchObject({ number: 1, done: false, place: expect.any(String) });
    expect(await found(shop.owner, 'focaccia')).toHaveLength(250);
    expect(await found(shop.owner, { q: 'torta', with: anna.contactId })).toHaveLength(2);
    for (let steps = 0; !(await key()).done && steps < 10; steps++) await renewals.workFor(0);
    expect(await key()).toMatchObject({ number: 1, done: true });

    const after = await tokens();
    expect([...after].filter((token) => before.has(token))).toEqual([]);
    expect(await found(shop.owner, 'torta')).toEqual([
      'Anche io voglio la torta',
      'Domani torta per tutti',
      'Una torta di mele',
    ]);
    expect(await found(anna.device, 'torta')).toEqual(['Domani torta per tutti', 'Una torta di mele']);
    expect(await found(shop.owner, 'focaccia')).toHaveLength(250);
  });
});

describe('npm run reindex', () => {
  test('rebuilds an index that gives the same answers, even from nothing, while the service runs', async () => {
    const seq = await say(anna.device, anna.contactId, 'Ciambella da dimenticare');
    for (const text of ['Ciambella al limone', 'Due ciambelle', 'Ciambelle www.aurora.example'])
      await say(shop.owner, anna.contactId, text);
    await broadcast('Ciambelle per tutti');
    const asks = [{ q: 'ciambella' }, { has: ['link'] }, { with: anna.contactId }, { broadcasts: true }];
    await finds(shop.owner, 'ciambella limone', ['Ciambella al limone']);
    await finds(shop.owner, { broadcasts: true }, ['Ciambelle per tutti']);
    expectStatus(await anna.device.ask('DELETE', `/api/conversations/${anna.contactId}/messages/${seq}`), 204);
    const answers = () =>
      Promise.all(
        [shop.owner, anna.device].flatMap((device) => asks.map(async (ask) => (await search(device, ask)).body.items)),
      );
    const before = await answers();
    expect(before[0]).toHaveLength(4);
    const entries = () =>
      world.rows('SELECT * FROM search_entry WHERE subscriber_id = $1 ORDER BY sent_at, conversation_id, seq', [
        shop.id,
      ]);
    await until(async () => (await entries()).length === 4, 'the withdrawn one has left the index');
    const indexed = await entries();

    await world.rows('DELETE FROM search_entry WHERE subscriber_id = $1', [shop.id]);
    expect(await found(shop.owner, 'ciambella')).toEqual([]);
    // One that should not be there.
    await world.rows(
      `INSERT INTO search_entry SELECT subscriber_id, sent_at, conversation_id, seq + 900, sender, '{1}' FROM message
       WHERE subscriber_id = $1 AND conversation_id = $2 AND seq = $3`,
      [shop.id, anna.contactId, seq],
    );
    const { code, stdout, stderr } = await run(rebuildIndex, world.environment);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // Other tests may have left entries of theirs.
    expect(stdout).toMatch(
      /\[#{40}\] 100 %\nThe index is complete\. Removed entries of deleted messages: [1-9]\d*\.\n$/,
    );
    expect(await answers()).toEqual(before);
    expect(await entries()).toEqual(indexed);
  });

  test('refuses unknown options, and lists its own', async () => {
    const { code, stderr } = await run(rebuildIndex, world.environment, '--fast');
    expect([code, stderr]).toEqual([1, 'There is no option --fast: the options are --anew and --help.\n']);
    expect((await run(rebuildIndex, world.environment, '--help')).stdout).toContain('npm run reindex -- --anew');
  });
});
