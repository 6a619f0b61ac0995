import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import sharp from 'sharp';
import { errorCatalogue } from '../src/contract/errors.js';
import { limits } from '../src/contract/limits.js';
import { exampleIds } from '../src/openapi-examples.js';
import { deviations, document, type JsonSchema, type Operation, operations } from './support/api-description.js';
import { MailServer, tokenIn } from './support/mail-server.js';
import { type Device, expectStatus, password, type Person, type Shop, unique, until, World } from './support/world.js';

/** The description of the API is valid, complete, and true. */

const operation = (id: string): Operation => operations.find(({ operationId }) => operationId === id)!;

describe('the description', () => {
  test('is valid OpenAPI', async () => {
    const result = await new Validator().validate('openapi.json');
    expect(result).toMatchObject({ valid: true });
  });

  test('has a summary for every operation, and says who may call it', () => {
    expect(operations.filter(({ summary }) => !summary).map(({ operationId }) => operationId)).toEqual([]);
    const callers = (id: string) => operation(id)['x-callers'];
    expect(callers('Sessions.signIn')).toEqual(['public']);
    expect(callers('Labels.list')).toEqual(['member']);
    expect(callers('Members.list')).toEqual(['owner']);
    expect(callers('Members.authors')).toEqual(['member']);
    expect(callers('Broadcasts.report')).toEqual(['interlocutor']);
    expect(callers('Conversations.list')).toEqual(['member', 'interlocutor']);
  });

  test('requires no session for public operations, and describes the cookies with their header for the others', () => {
    expect(operation('Registration.register').security).toEqual([]);
    expect(operation('Consents.current').security).toContainEqual({});
    expect(operation('Labels.list').security).toEqual([{ bearer: [] }, { dashboardCookie: [], appName: [] }]);
    expect(operation('Broadcasts.report').security).toEqual([{ bearer: [] }, { appCookie: [], appName: [] }]);
    expect(document.components.securitySchemes).toMatchObject({
      bearer: { type: 'http', scheme: 'bearer' },
      appName: { in: 'header', name: 'X-Colloquio-App' },
      appCookie: { in: 'cookie', name: '__Host-colloquio-app' },
    });
    expect(JSON.stringify(document.components.securitySchemes)).not.toContain('JWT');
  });

  test('gives every number, id, time and address a format, and states the limits', () => {
    const bare: string[] = [];
    const look = (where: string, { type, format, properties = {}, items }: JsonSchema) => {
      if (type === 'number' || (type === 'integer' && !format)) bare.push(where);
      if (type === 'string' && !format && /(^|\.)(id|at|email)$|[a-z](Id|At)$/.test(where)) bare.push(where);
      for (const [name, each] of Object.entries(properties)) look(`${where}.${name}`, each);
      if (items) look(`${where}[]`, items);
    };
    for (const [name, schema] of Object.entries(document.components.schemas)) look(name, schema);
    for (const { operationId, parameters } of operations)
      for (const { name, schema } of parameters) look(`${operationId} ${name}`, schema);
    const chosenByClients = /\b(clientId|externalId|sendAt|Ids)$/;
    expect(bare.filter((each) => !chosenByClients.test(each))).toEqual([]);
    const { MessageContent, Joining, ChangeContact, LabelContacts } = document.components.schemas;
    expect(MessageContent!.properties!['body']).toMatchObject({ maxLength: limits.messageLength });
    expect(Joining!.properties!['email']).toMatchObject({ maxLength: limits.emailLength, format: 'email' });
    expect(ChangeContact!.properties!['labels']).toMatchObject({ maxItems: limits.labelsPerContact });
    expect(LabelContacts!.properties!['contactIds']).toMatchObject({
      maxItems: limits.contactsLabelled,
      items: { format: 'uuid' },
    });
  });

  test('lists the codes of each operation under their statuses', () => {
    for (const { responses, 'x-errors': codes } of operations)
      for (const code of codes) {
        const { status } = errorCatalogue[code as keyof typeof errorCatalogue];
        expect(responses[status]).toMatchObject({ description: expect.stringContaining(`\`${code}\``) });
      }
    expect(operation('Conversations.send')['x-errors']).toEqual(expect.arrayContaining(['client_id_reused']));
    expect(operation('Labels.list')['x-errors']).not.toContain('client_id_reused');
  });
});

describe('an example', () => {
  let world: World;
  let mails: MailServer;
  let shop: Shop;
  let anna: Person;
  let bruno: Person;
  let ids: Record<keyof typeof exampleIds, string>;
  let label: string;
  let file: string;
  let exports: { owner: string; interlocutor: string };
  const sent = new Set<string>();

  beforeAll(async () => {
    mails = await MailServer.open();
    world = await World.open({ SMTP_URL: mails.url });
  });
  afterAll(async () => {
    await world.close();
    await mails.close();
  });

  /** Sends an operation's example with the real ids and what else belongs to this installation in its place. */
  async function send(id: string, device: Device | undefined, path = '', changes: Record<string, unknown> = {}) {
    const described = operation(id);
    const [type, { example }] = Object.entries(described.requestBody!.content)[0]!;
    let text = JSON.stringify({ ...example, ...changes });
    for (const [name, placeholder] of Object.entries(exampleIds)) {
      text = text.replaceAll(placeholder, ids[name as keyof typeof exampleIds]);
    }
    const fields = JSON.parse(text) as Record<string, unknown>;
    const body = type === 'multipart/form-data' ? await form(id, fields) : fields;
    const answer = await world.ask(described.method, path || described.path, { token: device?.token, body });
    expect({ id, status: answer.status, body: answer.status < 300 ? undefined : answer.body }).toEqual({
      id,
      status: expect.any(Number),
      body: undefined,
    });
    expect(Object.keys(described.responses)).toContain(String(answer.status));
    expect({ id, deviations: deviations(described, answer.status, answer.body) }).toEqual({ id, deviations: [] });
    sent.add(id);
    return answer.body;
  }

  async function form(id: string, { file, ...fields }: Record<string, unknown>): Promise<FormData> {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields)) data.set(name, String(value));
    const image = { create: { width: 8, height: 8, channels: 3, background: 'red' } } as const;
    const bytes = id === 'Business.setLogo' ? new Uint8Array(await sharp(image).png().toBuffer()) : String(file);
    data.set('file', new Blob([bytes]), 'esempio');
    return data;
  }

  async function exported(device: Device): Promise<string> {
    const { id } = await send('Exports.ask', device);
    await until(async () => (await device.ask('GET', `/api/exports/${id}`)).body.state === 'ready', 'it is ready');
    return id;
  }

  const policy = async (path: string) => {
    const { body } = await world.ask('GET', path);
    return (body.items ?? body.policies)[0].id as string;
  };

  test('of a registration, and of every other request of a business, is accepted', async () => {
    const { body: policies } = await world.ask('GET', '/api/policies/current?audience=subscriber');
    ids = { policy: '', contact: '', label: '' };
    const consents = policies.items.map((each: { id: string; purpose: string }) => ({
      policyId: each.id,
      purpose: each.purpose,
    }));
    const registered = await send('Registration.register', undefined, '', { consents });
    const owner = world.device(registered.session.token, registered.session.id);
    shop = { id: registered.subscriber.id, owner, username: 'forno.aurora', registration: {} };
    const token = tokenIn(await mails.mail('info@aurora.example', /Conferma/));
    await send('Credentials.verify', undefined, '', { token });

    anna = await world.join(shop, 'anna');
    bruno = await world.join(shop, 'bruno', { promotions: true });
    label = (await send('Labels.create', owner)).id;
    const { code } = await world.invitation(shop);
    ids = {
      policy: await policy(`/api/invitations/by-code/${code}`),
      contact: bruno.contactId,
      label,
    };
    await send('Labels.change', owner, `/api/labels/${label}`);
    const { id: quickReply } = await send('QuickReplies.create', owner);
    await send('QuickReplies.change', owner, `/api/quick-replies/${quickReply}`);
    await send('Contacts.change', owner, `/api/contacts/${bruno.contactId}`);
    await send('Contacts.index', owner);
    await send('Contacts.label', owner);
    await send('Contacts.search', owner);
    await send('Broadcasts.preview', owner);
    await send('Broadcasts.contactsOf', owner);
    await send('Broadcasts.make', owner);
    const sendAt = new Date(Date.now() + 86_400_000).toISOString();
    const planned = await send('Broadcasts.make', owner, '', { clientId: unique(), sendAt });
    await send('Broadcasts.change', owner, `/api/broadcasts/${planned.id}`);
    const invited = await send('Invitations.create', owner);
    await send('Invitations.rename', owner, `/api/invitations/${invited.id}`);
    const begun = await send('Imports.begin', owner);
    await send('Imports.cancel', owner, `/api/imports/${begun.id}/cancellation`);
    file = (await send('Attachments.upload', owner)).id;
    await send('Business.edit', owner);
    await send('Business.setLogo', owner);
    await send('Members.invite', owner);

    const member = await world.inviteMember(shop);
    const membersPolicy = await policy(`/api/members/by-code/${member.code}`);
    const agreed = [{ policyId: membersPolicy, purpose: 'privacy' }];
    await send('Members.accept', undefined, `/api/members/by-code/${member.code}/acceptance`, { consents: agreed });

    const joined = await send('Joining.accept', undefined, `/api/invitations/by-code/${code}/acceptance`);
    const giulia = world.device(joined.session.token, joined.session.id);
    await send('Profiles.edit', giulia);
    const { code: carried } = (await giulia.ask('POST', '/api/sessions/carry-codes')).body;
    await send('Sessions.carried', undefined, '', { code: carried });
    await send('Sessions.signIn', undefined, '', { username: joined.interlocutor.username });
    await send('MailSettings.change', giulia);
    await send('Credentials.changePassword', giulia);
    const confirming = tokenIn(await mails.mail('giulia.rossi@posta.example', /Conferma/));
    expectStatus(
      await world.ask('POST', '/api/me/email-verification/confirmation', { body: { token: confirming } }),
      204,
    );
    await send('Credentials.askReset', undefined, '', { login: 'giulia.rossi@posta.example' });
    const resetting = tokenIn(await mails.mail('giulia.rossi@posta.example', /Scegli/));
    await send('Credentials.reset', undefined, '', { token: resetting });

    const conversation = `/api/conversations/${bruno.contactId}`;
    await send('Conversations.send', owner, `${conversation}/messages`, { attachmentIds: [file] });
    await send('Conversations.search', owner);
    await send('Archive.search', owner);
    await send('Conversations.receipt', bruno.device, `${conversation}/receipt`);
    await send('Conversations.answered', owner, `${conversation}/answered`);
    await send('Consents.change', bruno.device);
    await send('NotificationSettings.change', bruno.device);
    await send('NotificationSettings.mute', bruno.device, `${conversation}/mute`);
    await send('Push.subscribe', bruno.device);
    expectStatus(await bruno.device.ask('DELETE', '/api/push-subscriptions/current'), 204);
    await send('Consents.note', bruno.device);

    await send('Erasures.propose', owner);
    await send('ConsentProofs.search', owner);
    await world.join(shop, 'carla', { province: 'BZ' });
    await send('Erasures.erase', owner);
    const request = await send('Requests.make', bruno.device);
    await send('Requests.extend', owner, `/api/requests/${request.id}/extension`);
    await send('Requests.answer', owner, `/api/requests/${request.id}/answer`);
    await send('DeletionRequests.ask', bruno.device);
    await send('Retention.set', owner);
    await send('Standing.close', owner);
    expectStatus(await owner.ask('DELETE', '/api/subscriber/closing'), 204);
    await send('Standing.pause', owner);
    expectStatus(await owner.ask('PUT', '/api/subscriber/pause', { paused: false }), 200);
    exports = { owner: await exported(owner), interlocutor: await exported(bruno.device) };
    await send('Exports.letDownload', bruno.device, `/api/exports/${exports.interlocutor}/download`, { password });
    expectStatus(await owner.ask('POST', `/api/exports/${exports.owner}/download`, {}), 200);

    const withBody = operations.filter(({ requestBody }) => requestBody).map(({ operationId }) => operationId);
    expect([...sent].sort()).toEqual(withBody.sort());
  });

  test('is answered as described, including the media types of files', async () => {
    const conversation = `/api/conversations/${bruno.contactId}`;
    await anna.device.ask('POST', `/api/conversations/${anna.contactId}/messages`, { clientId: 'x', body: 'Ciao' });
    const { body: invitations } = await shop.owner.ask('GET', '/api/invitations');
    const { body: imports } = await shop.owner.ask('GET', '/api/imports');
    const { body: broadcasts } = await shop.owner.ask('GET', '/api/broadcasts');
    const { body: requests } = await shop.owner.ask('GET', '/api/requests');
    const { code } = await world.invitation(shop);
    const onPaper = { kind: 'personal', suggestion: { surname: 'Neri' } };
    const { body: letter } = await shop.owner.ask('POST', '/api/invitations', onPaper);
    const member = await world.inviteMember(shop);
    const { body: erasures } = await shop.owner.ask('GET', '/api/erasures');
    const parts: Record<string, string> = {
      '/api/erasures/{id}': `/api/erasures/${erasures.items[0].id}`,
      '/api/attachments/{id}': `/api/attachments/${file}`,
      '/api/contacts/{id}': `/api/contacts/${bruno.contactId}`,
      '/api/conversations/{id}': conversation,
      '/api/invitations/{id}/letter': `/api/invitations/${letter.id}/letter`,
      '/api/invitations/{id}': `/api/invitations/${invitations.items[0].id}`,
      '/api/imports/{id}': `/api/imports/${imports.items[0].id}`,
      '/api/broadcasts/{id}': `/api/broadcasts/${broadcasts.items[0].id}`,
      '/api/requests/{id}': `/api/requests/${requests.items[0].id}`,
      '/api/invitations/by-code/{code}': `/api/invitations/by-code/${code}`,
      '/api/members/by-code/{code}': `/api/members/by-code/${member.code}`,
    };
    const callers: Record<string, Device | undefined> = {
      owner: shop.owner,
      member: shop.owner,
      interlocutor: bruno.device,
    };
    for (const described of operations.filter(({ method }) => method === 'GET')) {
      const { operationId: id, path, responses } = described;
      // A file of bytes without a meaning has no pictures.
      if (
        [
          'Joining.askWhetherToStop',
          'MailStops.askWhetherToStop',
          'Attachments.thumbnail',
          'Attachments.display',
        ].includes(id)
      )
        continue;
      const start = Object.keys(parts).find((each) => path.startsWith(each));
      const real = start ? path.replace(start, parts[start]!) : path;
      const queries: Record<string, string> = {
        'Consents.current': '?audience=subscriber',
        'Consents.announced': '?audience=subscriber',
        'Archive.find': '?q=ciao',
        'Retention.preview': '?months=12',
      };
      const query = queries[id] ?? '';
      for (const caller of described['x-callers']) {
        // An export belongs to the account that asked for it.
        const own = exports[caller === 'interlocutor' ? caller : 'owner'];
        const { body: consents } = await (callers[caller] ?? shop.owner).ask('GET', '/api/consents');
        const asked = real
          .replace('/api/exports/{id}', `/api/exports/${own}`)
          .replace('/api/consents/{id}', `/api/consents/${consents.items[0].id}`);
        const answer = await world.ask('GET', asked + query, { token: callers[caller]?.token });
        expect({ id, status: answer.status }).toEqual({ id, status: 200 });
        const type = answer.headers.get('content-type')!.split(';')[0]!;
        const types = Object.keys(responses['200']!.content ?? {});
        expect({ id, types }).toEqual({ id, types: expect.arrayContaining([types[0] === '*/*' ? '*/*' : type]) });
        expect({ id, deviations: deviations(described, 200, answer.body) }).toEqual({ id, deviations: [] });
      }
    }
  });
});
