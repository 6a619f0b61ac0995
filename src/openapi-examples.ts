/** Ids that stand in examples for things of one's own: put the real ones in their place. */
export const exampleIds = {
  policy: '01a20799-0000-7000-8000-000000000001',
  contact: '01a20799-0000-7000-8000-000000000002',
  label: '01a20799-0000-7000-8000-000000000003',
} as const;

const session = { username: 'giulia.rossi', password: 'tegame-7-lucertola' };
const consents = [{ policyId: exampleIds.policy, purpose: 'privacy' }];

/**
 * One body for each operation that has one, which is accepted once its ids, codes, tokens and passwords are those of the
 * installation. `file` stands for the content of a file.
 */
export const examples: Record<string, Record<string, unknown>> = {
  'Archive.search': { q: 'consegna "torta di mele" -sabato', from: 'interlocutor', has: ['link'], limit: 50 },
  'Attachments.upload': {
    conversationId: exampleIds.contact,
    duration: 4200,
    waveform: '[0,12,40,88,100,61,20,4]',
    file: 'voice-note.m4a',
  },
  'Broadcasts.change': { body: 'Buongiorno {{firstName}}, lunedì e martedì siamo chiusi.' },
  'Broadcasts.make': {
    clientId: '5d0c8a52-6f3a-4f0e-9a59-0f4f3d1f8f6b',
    kind: 'service',
    reason: 'closure',
    body: 'Buongiorno {{firstName}}, lunedì siamo chiusi.',
    audience: { provinces: ['RA'] },
  },
  'Broadcasts.preview': {
    kind: 'promotional',
    body: 'Buongiorno {{firstName}}, oggi la focaccia è in offerta.',
    audience: { all: true },
    contactId: exampleIds.contact,
  },
  'Business.edit': { businessName: 'Forno Aurora di Marta Conti', seenTimes: true },
  'Business.setLogo': { file: 'logo.png' },
  'Consents.change': {
    policyId: exampleIds.policy,
    purpose: 'promotions',
    given: false,
    contactId: exampleIds.contact,
  },
  'Contacts.change': { labels: [exampleIds.label], note: 'Passa il sabato', externalId: 'C-0042' },
  'Contacts.label': { add: [exampleIds.label], contactIds: [exampleIds.contact] },
  'Contacts.search': { query: 'ros', province: 'RA', sort: 'updated', order: 'desc', limit: 50 },
  'Conversations.receipt': { deliveredSeq: 1, seenSeq: 1 },
  'Conversations.search': { query: 'ros', unanswered: true, limit: 50 },
  'Conversations.send': { clientId: '0b7f5c1e-2d0a-4f7e-8a43-9f6a4f0c2d11', body: 'Buongiorno, a che ora aprite?' },
  'Credentials.askReset': { login: session.username },
  'Credentials.changePassword': { currentPassword: session.password, newPassword: 'lanterna-3-cavallo' },
  'Credentials.reset': { token: 'the last part of the link in the mail', password: 'grondaia-8-violino' },
  'Credentials.verify': { token: 'the last part of the link in the mail' },
  'Exports.ask': { locale: 'it' },
  'Exports.letDownload': { password: session.password },
  'Imports.begin': { file: 'Nome;Cognome;Email\nDora;Neri;dora@posta.example\n', locale: 'it' },
  'Imports.cancel': { letters: true },
  'Invitations.create': { kind: 'personal', email: 'bruno.bianchi@posta.example', locale: 'it' },
  'Invitations.rename': { name: 'Banco del sabato' },
  'Joining.accept': {
    clientId: 'e2a7c9d4-51f0-4b7d-9a63-3d0c8b1f6e25',
    firstName: 'Giulia',
    surname: 'Rossi',
    email: 'giulia.rossi@posta.example',
    password: session.password,
    ageConfirmed: true,
    locale: 'it',
    province: 'RA',
    consents: [...consents, { policyId: exampleIds.policy, purpose: 'promotions' }],
  },
  'Labels.change': { name: 'Clienti del sabato', color: null },
  'Labels.create': { name: 'Celiaci', color: 'green' },
  'Members.accept': {
    displayName: 'Sara',
    username: 'sara.neri',
    password: session.password,
    locale: 'it',
    consents,
  },
  'Members.invite': { email: 'sara.neri@posta.example', displayName: 'Sara' },
  'Profiles.edit': { firstName: 'Giulia', surname: 'Rossi Conti', province: 'RA' },
  'Registration.register': {
    businessName: 'Forno Aurora',
    email: 'info@aurora.example',
    street: 'Via Roma',
    streetNumber: '12/A',
    postcode: '48018',
    city: 'Faenza',
    province: 'RA',
    country: 'IT',
    category: 'bakery',
    vatNumber: '01234567897',
    locale: 'it',
    username: 'forno.aurora',
    password: session.password,
    consents: [
      { policyId: exampleIds.policy, purpose: 'terms' },
      { policyId: exampleIds.policy, purpose: 'privacy' },
    ],
  },
  'DeletionRequests.ask': { contactId: exampleIds.contact, words: 'Non sono più cliente.' },
  'Requests.answer': { outcome: 'fulfilled', answer: 'Abbiamo corretto la nota.' },
  'Requests.extend': { reason: 'Le fatture di dieci anni fa sono in un archivio di carta.' },
  'Requests.make': { contactId: exampleIds.contact, kind: 'rectification', words: 'Nella nota il nome è sbagliato.' },
  'Standing.close': { password: session.password, businessName: 'Forno Aurora di Marta Conti' },
  'Standing.pause': { paused: true },
  'Sessions.signIn': { ...session, device: 'Telefono di Giulia' },
};
