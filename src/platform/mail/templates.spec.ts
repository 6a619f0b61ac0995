import { expect, test } from '@jest/globals';
import { mailLocales, MailTemplates } from './templates.js';
import { timeInWords } from './times.js';

const templates = new MailTemplates({
  publicUrl: new URL('https://chat.example'),
  controller: { name: '' },
} as unknown as ConstructorParameters<typeof MailTemplates>[0]);

test.each(mailLocales)('labels of facts are styled quietly, even with several words: %s', (locale) => {
  const values = {
    businessName: 'Forno',
    time: 'oggi',
    username: 'anna',
    address: 'a…@mail.example',
    url: 'https://x',
  };
  for (const template of ['broadcast_held', 'address_changed'] as const) {
    const { html } = templates.compose({ to: 'a@mail.example', locale, template, values });
    const facts = /<td class="facts.*?<\/td>/s.exec(html)![0];
    const labels = [...facts.matchAll(/<span class="quiet"[^>]*>([^<]+)<\/span> <strong/g)].map(([, label]) => label);
    const expected = {
      it: { broadcast_held: ['Prevista per:'], address_changed: ['Quando:', 'Nuovo indirizzo:'] },
      en: { broadcast_held: ['Planned for:'], address_changed: ['When:', 'New address:'] },
    };
    expect(labels).toEqual(expected[locale][template]);
  }
});

test('times name their zone, in the 24-hour format', () => {
  const time = new Date('2026-11-27T19:05:00Z');
  expect(timeInWords(time, { locale: 'it', timeZone: 'Europe/Rome' })).toBe('27 novembre 2026 alle ore 20:05 CET');
  expect(timeInWords(time, { locale: 'en', timeZone: 'Europe/Rome' })).toBe('27 November 2026 at 20:05 CET');
});
