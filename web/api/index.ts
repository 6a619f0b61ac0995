import createClient from 'openapi-fetch';
// From its own file: the first screen waits for no engine.
import { Refused, Unanswered } from '../../client/api.js';
import type { Problem } from '../../src/contract/errors.js';
import type { paths } from './schema.js';

export type AppName = 'dashboard' | 'app';

/** The app that this page belongs to; its entry sets it before anything else. */
export let appName: AppName = 'dashboard';
export function setAppName(name: AppName): void {
  appName = name;
}

/** `fetch` as one of the two apps, whose cookie then authenticates it. */
export const fetchAsApp: typeof fetch = (input, init) => {
  const request = new Request(input, init);
  request.headers.set('X-Colloquio-App', appName);
  return fetch(request);
};

/** Every route of the service with its types, from openapi.json: `await ask(api.GET('/api/me'))`. */
export const api = createClient<paths>({ fetch: (request) => fetchAsApp(request) });

interface Answered<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

let onSignedOut: (() => void) | undefined;
/** Called when an answer says that the session has ended. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

/**
 * The data of an answer.
 * @throws Refused with the problem of the service; Unanswered when nothing came back that the service has said
 */
export async function ask<Data>(asked: Promise<Answered<Data>>): Promise<Data> {
  let answer: Answered<Data>;
  try {
    answer = await asked;
  } catch (error) {
    throw error instanceof Refused ? error : new Unanswered(String(error));
  }
  if (answer.response.ok) return answer.data as Data;
  const problem = answer.error as Partial<Problem> | undefined;
  if (typeof problem?.code !== 'string') throw new Unanswered('this is no answer of the service');
  if (problem.code === 'unauthenticated') onSignedOut?.();
  throw new Refused(problem as Problem);
}

/** The address of something that is asked for by an element, which can set no header: pictures, files, logos. */
export const sourceOf = (path: string): string => `${path}${path.includes('?') ? '&' : '?'}as=${appName}`;

export { Refused, Unanswered };
