import { expect, test } from '@jest/globals';
import { notificationText } from './notification-texts.js';

const conversationId = '01a20799-0000-7000-8000-000000000002';

test('a notification names the sender only if it is a business, and states the number of messages', () => {
  const message = { kind: 'message', locale: 'it', conversationId } as const;
  expect(notificationText({ ...message, count: 1, business: 'Forno Aurora' }).title).toBe(
    'Nuovo messaggio da Forno Aurora',
  );
  expect(notificationText({ ...message, count: 3, business: 'Forno Aurora' }).title).toBe(
    '3 nuovi messaggi da Forno Aurora',
  );
  expect(notificationText({ ...message, count: 2, locale: 'en' }).title).toBe('2 new messages');
  expect(notificationText(undefined).title).toBe('Colloquio');
});
