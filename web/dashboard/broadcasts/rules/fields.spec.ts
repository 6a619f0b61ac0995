import { expect, test } from '@jest/globals';
import { forService, forWriter, pieces } from './fields.js';

const names = {
  firstName: 'Nome',
  surname: 'Cognome',
  companyName: 'Ragione sociale',
  displayName: 'Nome completo',
  businessName: 'Nome dell’attività',
};

test('fields are shown in the writer’s language, and converted back unchanged', () => {
  const sent = 'Ciao {{firstName}} {{ surname }}, da {{businessName}}';
  const written = 'Ciao {{Nome}} {{Cognome}}, da {{Nome dell’attività}}';
  expect(forWriter(sent, names)).toBe(written);
  expect(forService(written, names)).toBe('Ciao {{firstName}} {{surname}}, da {{businessName}}');
  expect(forService('{{nome}} {{ NOME COMPLETO }}', names)).toBe('{{firstName}} {{displayName}}');
});

test('other text stays as it was typed', () => {
  for (const text of ['{{Soprannome}}', '{{', 'a } b', '{Nome}', '{{}}']) {
    expect(forService(text, names)).toBe(text);
    expect(forWriter(text, names)).toBe(text);
  }
});

test('a text is split into pieces, and fields are named ones', () => {
  expect(pieces('Ciao {{Nome}}! {{no}} {{firstName}}', names)).toEqual([
    { text: 'Ciao ' },
    { text: '{{Nome}}', name: 'Nome' },
    { text: '! {{no}} ' },
    { text: '{{firstName}}', name: 'Nome' },
  ]);
  expect(pieces('', names)).toEqual([]);
});
