import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { loadConfig } from '../config.js';
import type { Forgetting } from '../forgetting/forgetting.js';
import type { Jobs } from '../jobs/jobs.js';
import { defineMail } from './mail-kinds.js';
import { Outbox } from './outbox.js';
import { MailTemplates } from './templates.js';

const config = loadConfig({});
const templates = new MailTemplates(config);
const jobs = { handle: () => {} } as unknown as Jobs;
const unused = {} as never;
const forgetting = { register: () => {} } as unknown as Forgetting;
const boot = () => new Outbox(unused, config, unused, jobs, unused, templates, unused, forgetting).onModuleInit();

test('the service does not start with a text without a mail, or a mail without a text', () => {
  for (const name of templates.names.filter((each) => each !== 'verify_email')) defineMail(name, 'security');
  expect(boot).toThrow('no text, or no slice, for the mail verify_email');
  defineMail('verify_email', 'security');
  expect(boot).not.toThrow();
  defineMail('postcard', 'security');
  expect(boot).toThrow('no text, or no slice, for the mail postcard');
});

test('no two mails have one name', () => {
  expect(() => defineMail('postcard', 'security')).toThrow('two mails are called postcard');
});
