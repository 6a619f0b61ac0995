import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { limits } from '../src/contract/limits.js';
import { filledIn } from '../src/contract/rules/personal-text.js';
import { type Answer, expectStatus, type Person, type Shop, World } from './support/world.js';

/** Texts that members send often. */

let world: World;
let bakery: Shop;
let anna: Person;
beforeAll(async () => {
  world = await World.shared();
  bakery = await world.shop('bakery');
  anna = await world.join(bakery, 'anna');
});
afterAll(() => world.close());

const path = '/api/quick-replies';
const create = (title: unknown, text: unknown, shop = bakery): Promise<Answer> =>
  shop.owner.ask('POST', path, { title, text });
const listed = async (shop = bakery) => (await shop.owner.ask('GET', `${path}?limit=200`)).body.items;
const code = ({ status, body }: Answer) => [status, body.errors?.[0]?.field, body.errors?.[0]?.code];

describe('quick replies', () => {
  test('can be created, changed and deleted by every member, whose devices alone are told', async () => {
    await bakery.owner.connect();
    await anna.device.connect();
    const { device: staff } = await world.staff(bakery);
    const made = await staff.ask('POST', path, { title: ' Orari ', text: 'Siamo aperti\ndalle 7.' });
    expectStatus(made, 201);
    const { id } = made.body;
    expect(made.body).toEqual({ id, title: 'Orari', text: 'Siamo aperti\ndalle 7.' });
    await bakery.owner.hears('quick-replies.changed', (told) => told.id === id);
    const first = (await create('Arrivederci', 'A domani, {{firstName}}!')).body;
    expect(await listed()).toEqual([first, made.body]);

    const changed = await staff.ask('PATCH', `${path}/${id}`, { text: 'Siamo aperti dalle 8.' });
    expect(changed.body).toEqual({ id, title: 'Orari', text: 'Siamo aperti dalle 8.' });
    expectStatus(await bakery.owner.ask('PATCH', `${path}/${id}`, { title: 'Apertura' }), 200);
    expect(await listed()).toEqual([{ id, title: 'Apertura', text: 'Siamo aperti dalle 8.' }, first]);
    expectStatus(await bakery.owner.ask('DELETE', `${path}/${id}`), 204);
    expectStatus(await bakery.owner.ask('DELETE', `${path}/${id}`), 404);
    expectStatus(await bakery.owner.ask('PATCH', `${path}/${id}`, { title: 'Di nuovo' }), 404);
    expect(await listed()).toEqual([first]);

    for (const [method, address] of [
      ['GET', path],
      ['POST', path],
      ['PATCH', `${path}/${first.id}`],
      ['DELETE', `${path}/${first.id}`],
    ] as const)
      expectStatus(await anna.device.ask(method, address), 404);
    expect(anna.device.heard.map(({ event }) => event)).not.toContain('quick-replies.changed');
  });

  test('are stored sealed', async () => {
    const { id } = (await create('Titolo segreto', 'Testo segreto')).body;
    const [row] = await world.rows<{ stored: string }>(
      `SELECT encode(title || text, 'escape') AS stored FROM quick_reply WHERE id = $1`,
      [id],
    );
    expect(row!.stored).not.toContain('segreto');
    expectStatus(await bakery.owner.ask('DELETE', `${path}/${id}`), 204);
  });

  test('have a title, and a text that fits into a message with its fields filled in', async () => {
    const longest = 'x'.repeat(limits.messageLength - limits.broadcastFieldLength);
    expect(code(await create('', 'Ciao'))).toEqual([400, 'title', 'empty']);
    expect(code(await create('x'.repeat(limits.quickReplyTitleLength + 1), 'Ciao'))).toEqual([
      400,
      'title',
      'too_long',
    ]);
    expect(code(await create('Ciao', `${longest}x{{firstName}}`))).toEqual([400, 'text', 'too_long']);
    expect(code(await create('Ciao', 'Ciao {{nome}}'))).toEqual([400, 'text', 'unknown_placeholder']);
    const widest = await create('x'.repeat(limits.quickReplyTitleLength), `${longest}{{firstName}}`);
    expectStatus(widest, 201);
    const unchanged = (change: unknown) => bakery.owner.ask('PATCH', `${path}/${widest.body.id}`, change);
    expect(code(await unchanged({ title: null }))[0]).toBe(400);
    expect(code(await unchanged({ text: '{{' }))).toEqual([400, 'text', 'unknown_placeholder']);
    const values = { businessName: 'Forno Aurora', displayName: 'Anna Rossi', firstName: 'Anna' };
    expect(filledIn('{{firstName}} da {{businessName}}', values)).toBe('Anna da Forno Aurora');
  });

  test('are limited to 200, even if several are created at once', async () => {
    const shop = await world.shop('florist');
    for (let made = 0; made < limits.quickRepliesPerSubscriber - 2; made++)
      expectStatus(await create(`Numero ${made}`, 'Ciao', shop), 201);
    const answers = await Promise.all([1, 2, 3, 4].map((each) => create(`Ultima ${each}`, 'Ciao', shop)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 422, 422]);
    const refused = answers.find(({ status }) => status === 422)!;
    expect(refused.body).toMatchObject({ code: 'too_many_quick_replies' });
    expect(refused.body.detail).toContain(`at most ${limits.quickRepliesPerSubscriber}`);
    expect(await listed(shop)).toHaveLength(limits.quickRepliesPerSubscriber);
    expect((await listed()).length).toBeLessThan(10);
  });
});
