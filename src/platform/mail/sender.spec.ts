import { describe, expect, test } from '@jest/globals';
import { greetingName, readSender } from './sender.js';

describe('a sender', () => {
  test.each([
    ['no-reply@host.example', '', 'no-reply@host.example'],
    ['Colloquio <no-reply@host.example>', 'Colloquio', 'no-reply@host.example'],
    ['Avvisi: Forno (Faenza) <a@host.example>', 'Avvisi: Forno (Faenza)', 'a@host.example'],
    ['"Rossi, Bruno & C." <a@host.example>', 'Rossi, Bruno & C.', 'a@host.example'],
    ['Caffè <a@caffè.example>', 'Caffè', 'a@xn--caff-8oa.example'],
    ['a@[192.0.2.1]', '', 'a@[192.0.2.1]'],
  ])('%s', (text, name, address) => expect(readSender(text)).toEqual({ name, address }));

  test.each(['', 'Colloquio', '<a@host.example>', 'a@b@host.example', 'niccolò@host.example', 'A <a@h>\r\nBcc: <b@h>'])(
    '%j is none',
    (text) => expect(readSender(text)).toBeUndefined(),
  );
});

test.each([
  ['https://messages.example.com', 'messages.example.com'],
  ['https://caffè.example', 'xn--caff-8oa.example'],
  ['https://192.0.2.1', '[192.0.2.1]'],
  ['https://[2001:db8::1]', '[IPv6:2001:db8::1]'],
  ['http://localhost:3000', undefined],
])('a host at %s greets as %s', (url, name) => expect(greetingName(new URL(url))).toBe(name));
