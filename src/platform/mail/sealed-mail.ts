import type { KeyRef } from '../vault/keyring.js';
import type { Vault } from '../vault/vault.js';
import type { Mail } from './mail.entity.js';
import type { MailDraft } from './templates.js';

/** Address, language and what fills the template, under the addressee's key. */
export function sealMail(
  vault: Vault,
  { id, key, draft }: { id: string; key: KeyRef; draft: MailDraft },
): Promise<Buffer> {
  return vault.seal(key, JSON.stringify(draft), mailContext(id));
}

/** @throws KeyGoneError when the addressee was erased */
export async function openMail(
  vault: Vault,
  { id, keyScope, keyId, sealed }: Pick<Mail, 'id' | 'keyScope' | 'keyId' | 'sealed'>,
): Promise<MailDraft> {
  return JSON.parse(await vault.open({ scope: keyScope, id: keyId }, sealed, mailContext(id))) as MailDraft;
}

const mailContext = (id: string) => ['mail', id];
