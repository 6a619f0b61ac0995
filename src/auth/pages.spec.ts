import { describe, expect, test } from '@jest/globals';
import { pathOf } from './pages.js';

describe('the page that a mail leads to', () => {
  test('is in the dashboard for a member', () => {
    expect(pathOf('member', 'home')).toBe('/');
    expect(pathOf('member', 'verify', 'TOKEN')).toBe('/verify/TOKEN');
    expect(pathOf('member', 'reset', 'TOKEN')).toBe('/reset/TOKEN');
    expect(pathOf('member', 'askReset')).toBe('/reset');
    expect(pathOf('member', 'conversation', 'ID')).toBe('/conversations/ID');
    expect(pathOf('member', 'request', 'ID')).toBe('/requests/ID');
    expect(pathOf('member', 'export', 'ID')).toBe('/exports/ID');
  });

  test('is in the app for an interlocutor, where some pages show all of a kind', () => {
    expect(pathOf('interlocutor', 'home')).toBe('/app/');
    expect(pathOf('interlocutor', 'verify', 'TOKEN')).toBe('/app/verify/TOKEN');
    expect(pathOf('interlocutor', 'reset', 'TOKEN')).toBe('/app/reset/TOKEN');
    expect(pathOf('interlocutor', 'askReset')).toBe('/app/reset');
    expect(pathOf('interlocutor', 'conversation', 'ID')).toBe('/app/c/ID');
    expect(pathOf('interlocutor', 'request', 'ID')).toBe('/app/privacy/requests');
    expect(pathOf('interlocutor', 'export', 'ID')).toBe('/app/privacy/exports');
    expect(pathOf('interlocutor', 'leave')).toBe('/app/privacy');
  });
});
