import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { MessageView } from '../../../src/contract/events.js';
import type { Outgoing } from '../../../client/index.js';
import { daysOf, type Row } from './days.js';
import { isEmojiOnly, linkPieces } from './links.js';
import { bars, fitted, renamed, sentAs, waveform } from './pictures.js';
import { seenAfter, Sight } from './sight.js';
import { around, atEnd, following, type Held, mostShown, newer, older, page, rangeOf, resting } from './window.js';

const noon = new Date(2026, 10, 25, 12).getTime();
const minute = 60_000;

function message(seq: number, more: Partial<MessageView> & { minutes?: number } = {}): MessageView {
  const { minutes = seq, ...rest } = more;
  return {
    ...{ seq, revision: seq, sender: 'subscriber', clientId: `c${seq}`, body: `text ${seq}`, attachments: [] },
    sentAt: new Date(noon + minutes * minute).toISOString(),
    ...rest,
  };
}
const outgoing = (clientId: string, minutes: number): Outgoing => ({
  ...{ clientId, conversationId: 'c', body: 'waits', queuedAt: noon + minutes * minute, order: 1, tries: 0 },
  state: 'waiting',
});
const rowsOf = (messages: MessageView[], more: Partial<Parameters<typeof daysOf>[0]> = {}): Row[] =>
  daysOf({ messages, outgoing: [], party: 'subscriber', ...more }).flatMap(({ rows }) => rows);
const ends = (rows: Row[]) =>
  rows.map((row) => ('first' in row ? `${row.first ? '<' : '-'}${row.last ? '>' : '-'}` : row.kind));

describe('The rows of a thread', () => {
  test('messages of one author form a group within five minutes', () => {
    const messages = [message(1, { minutes: 0 }), message(2, { minutes: 5 }), message(3, { minutes: 10.1 })];
    expect(ends(rowsOf(messages))).toEqual(['<-', '->', '<>']);
  });

  test('another member, another party and a broadcast begin a new group', () => {
    const nives = { id: 'n', displayName: 'Nives' };
    const camilla = { id: 'k', displayName: 'Camilla' };
    const messages = [
      message(1, { author: nives }),
      message(2, { author: camilla }),
      message(3, { sender: 'interlocutor', author: null }),
      message(4, { author: camilla, broadcastId: 'b' }),
      message(5, { author: camilla }),
    ];
    expect(ends(rowsOf(messages))).toEqual(['<>', '<>', '<>', '<>', '<>']);
  });

  test('expired messages are one line, at the last of them', () => {
    const expired = { expiredAt: new Date(noon).toISOString(), body: '', clientId: '' };
    const rows = rowsOf([message(1, expired), message(2, expired), message(3)]);
    expect(ends(rows)).toEqual(['expired', '<>']);
  });

  test('a withdrawn message is a line, and separates groups', () => {
    const withdrawn = message(2, { withdrawnAt: new Date(noon).toISOString(), body: '' });
    expect(ends(rowsOf([message(1), withdrawn, message(3)]))).toEqual(['<>', 'withdrawn', '<>']);
  });

  test('each day begins a group', () => {
    const days = daysOf({
      messages: [message(1), message(2), message(3, { minutes: 24 * 60 })],
      ...{ outgoing: [], party: 'subscriber' },
    });
    expect(days.map(({ rows }) => rows.length)).toEqual([2, 1]);
  });

  test('the line of new messages is before the first of them', () => {
    const rows = rowsOf([message(1), message(2), message(3)], { unread: { from: 2, count: 2 } });
    expect(ends(rows)).toEqual(['<>', 'unread', '<-', '->']);
  });

  test('the first message after a broadcast is a reply to it, the next one is not', () => {
    const broadcast = message(1, { broadcastId: 'b' });
    const rows = rowsOf([
      broadcast,
      message(2, { withdrawnAt: new Date(noon).toISOString() }),
      message(3, { sender: 'interlocutor' }),
      message(4, { sender: 'interlocutor' }),
    ]);
    expect(rows.map((row) => row.kind === 'message' && row.answers?.seq)).toEqual([undefined, false, 1, undefined]);
  });

  test('a waiting message follows sent ones, even if the clock of the device is behind', () => {
    const sent = message(1, { minutes: 10 });
    expect(ends(rowsOf([sent], { outgoing: [outgoing('a', 8), outgoing('b', 9)] }))).toEqual(['<-', '--', '->']);
    const days = daysOf({ messages: [sent], outgoing: [outgoing('a', -24 * 60)], party: 'subscriber' });
    expect(days).toHaveLength(1);
  });

  test('other events are placed between the messages by time', () => {
    const happening = { id: 'h', at: new Date(noon + 1.5 * minute).toISOString(), words: '', icon: 'eraser' as const };
    expect(ends(rowsOf([message(1), message(2)], { happenings: [happening] }))).toEqual(['<>', 'happening', '<>']);
    expect(ends(rowsOf([message(2), message(3)], { happenings: [happening], begins: false }))).toEqual(['<-', '->']);
  });
});

describe('The window of a thread', () => {
  const whole: Held = { ranges: [{ from: 1, to: 1_000 }], lastSeq: 1_000 };

  test('opens with a page at the end, and follows new messages', () => {
    expect(atEnd(whole)).toEqual({ from: 1_000 - page + 1, to: Infinity });
  });

  test('requests messages that are not held', () => {
    const held: Held = { ranges: [{ from: 971, to: 1_000 }], lastSeq: 1_000 };
    expect(older(atEnd(held), held)).toEqual({ kind: 'load', seq: 971 });
    const apart: Held = {
      ranges: [
        { from: 100, to: 129 },
        { from: 971, to: 1_000 },
      ],
      lastSeq: 1_000,
    };
    const jumped = around(115, apart)!;
    expect(jumped).toEqual({ from: 100, to: 129 });
    expect(newer(jumped, apart)).toEqual({ kind: 'load', seq: 129 });
    expect(older(jumped, apart)).toEqual({ kind: 'load', seq: 100 });
    expect(around(500, apart)).toBeUndefined();
  });

  test('stays in place if later messages arrive before those in between', () => {
    const torn: Held = {
      ranges: [
        { from: 971, to: 1_000 },
        { from: 1_005, to: 1_005 },
      ],
      lastSeq: 1_005,
    };
    const window = { from: 971, to: Infinity };
    expect(rangeOf(window, torn)).toEqual({ from: 971, to: 1_000 });
    expect(following(window, torn)).toEqual(window);
    expect(newer(window, torn)).toEqual({ kind: 'load', seq: 1_000 });
  });

  test('knows when it has reached an end', () => {
    const few: Held = { ranges: [{ from: 1, to: 10 }], lastSeq: 10 };
    expect(older(atEnd(few), few)).toEqual({ kind: 'end' });
    expect(newer(atEnd(few), few)).toEqual({ kind: 'end' });
  });

  test('drops messages before it while it follows the end, and after it otherwise', () => {
    const window = { from: 700, to: Infinity };
    expect(following(window, whole)).toEqual({ from: 1_000 - mostShown + page, to: Infinity });
    expect(resting(window, whole)).toEqual({ from: 700, to: 700 + mostShown - 1 });
    expect(following(atEnd(whole), whole)).toEqual(atEnd(whole));
  });

  test('never exceeds its size, never spans a gap, and returns to the end', () => {
    const held = fc
      .array(fc.tuple(fc.integer({ min: 2, max: 400 }), fc.integer({ min: 1, max: 600 })), {
        minLength: 1,
        maxLength: 4,
      })
      .map((parts): Held => {
        let at = 0;
        const ranges = parts.map(([gap, length]) => {
          const from = at + gap;
          at = from + length - 1;
          return { from, to: at };
        });
        return { ranges, lastSeq: at };
      });
    fc.assert(
      fc.property(held, fc.array(fc.boolean(), { maxLength: 60 }), (state, ways) => {
        let window = atEnd(state);
        for (const isOlder of ways) {
          const step = isOlder ? older(window, state) : newer(window, state);
          if (step.kind !== 'moved') continue;
          const range = rangeOf(step.window, state)!;
          const to = Math.min(step.window.to, range.to);
          expect(step.window.from).toBeGreaterThanOrEqual(range.from);
          expect(to - step.window.from + 1).toBeLessThanOrEqual(mostShown);
          // The part of the page that the person is in stays.
          expect(Math.max(step.window.from, window.from)).toBeLessThanOrEqual(Math.min(to, window.to));
          window = step.window;
        }
        for (let steps = 0; window.to !== Infinity && steps < 100; steps++) {
          const step = newer(window, state);
          if (step.kind !== 'moved') break;
          window = step.window;
        }
        expect(window.to).toBe(Infinity);
      }),
    );
  });
});

describe('Seen messages', () => {
  test('were in view for a second while the page had attention', () => {
    const sight = new Sight();
    sight.enter(7, 0);
    expect(sight.seen(5_000)).toBeUndefined();
    sight.attend(true, 5_000);
    expect(sight.wait(5_400)).toBe(seenAfter - 400);
    expect(sight.seen(5_999)).toBeUndefined();
    expect(sight.seen(6_000)).toBe(7);
  });

  test('exclude those that were scrolled past, or on a page that was left', () => {
    const sight = new Sight();
    sight.attend(true, 0);
    sight.enter(7, 0);
    sight.enter(8, 500);
    sight.leave(7);
    expect(sight.seen(1_000)).toBeUndefined();
    sight.attend(false, 1_200);
    sight.attend(true, 9_000);
    expect(sight.seen(9_500)).toBeUndefined();
    expect(sight.seen(10_000)).toBe(8);
  });
});

describe('Links', () => {
  const linksOf = (text: string) =>
    linkPieces(text).flatMap((piece) => (piece.kind === 'link' ? [[piece.text, piece.href, piece.host]] : []));

  test('are found with a scheme, without one, and in mail addresses', () => {
    expect(linksOf('Vedi https://forno.example/orari?x=1, o forno.it/orari; scrivi a nives@forno.it.')).toEqual([
      ['https://forno.example/orari?x=1', 'https://forno.example/orari?x=1', 'forno.example'],
      ['forno.it/orari', 'https://forno.it/orari', 'forno.it'],
      ['nives@forno.it', 'mailto:nives@forno.it', undefined],
    ]);
  });

  test('lead only to the web and to mail', () => {
    for (const text of [
      'javascript:alert(1)',
      'data:text/html,x',
      'ftp://forno.it/x',
      'file:///etc/passwd',
      '//forno',
    ]) {
      expect(linksOf(text).filter(([, href]) => !/^https:\/\/forno\.it/.test(href!))).toEqual([]);
    }
    expect(linksOf('https://forno.it@evil.example/')).toEqual([['https://forno.it', 'https://forno.it/', 'forno.it']]);
  });

  test('do not include prices, times or ends of sentences', () => {
    expect(linksOf('Costa 3.50, alle 10.30. Domani passo.Poi vediamo')).toEqual([]);
  });

  test('lose nothing of the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(
          linkPieces(text)
            .map((piece) => piece.text)
            .join(''),
        ).toBe(text);
      }),
    );
  });
});

test.each([
  ['🎂', true],
  ['👩‍👩‍👧‍👦 ❤️🇮🇹', true],
  ['👍🏽', true],
  ['1️⃣', true],
  ['🎂🎂🎂🎂', false],
  ['12', false],
  ['Sì 🎂', false],
  ['', false],
])('only emoji: %s is %s', (text, expected) => {
  expect(isEmojiOnly(text)).toBe(expected);
});

describe('Pictures and recordings', () => {
  test('fit the longest side and keep their proportions', () => {
    expect(fitted(6_000, 4_000)).toEqual({ width: 2_560, height: 1_707 });
    expect(fitted(800, 600)).toEqual({ width: 800, height: 600 });
    expect(fitted(10_000, 2)).toEqual({ width: 2_560, height: 1 });
  });

  test('keep a type that all browsers can display', () => {
    expect(sentAs('image/heic', 1)).toBe('image/jpeg');
    expect(sentAs('image/png', 1_000)).toBe('image/png');
    expect(sentAs('image/png', 9_000_000)).toBe('image/jpeg');
    expect(sentAs('image/gif', 1)).toBeUndefined();
    expect(sentAs('image/svg+xml', 1)).toBeUndefined();
    expect(renamed('IMG_1.HEIC', 'image/jpeg')).toBe('IMG_1.jpg');
    expect(renamed('a.b.JPEG', 'image/jpeg')).toBe('a.b.JPEG');
  });

  test('have a waveform of whole numbers from 0 to 100', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3_000 }), (peaks) => {
        const shape = waveform(peaks);
        expect(shape.length).toBe(Math.min(64, peaks.length));
        expect(shape.every((bar) => Number.isInteger(bar) && bar >= 0 && bar <= 100)).toBe(true);
        expect(bars(shape, 30).length).toBe(Math.min(30, shape.length));
      }),
    );
  });
});
