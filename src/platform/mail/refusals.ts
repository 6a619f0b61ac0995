/** Nodemailer's error of a failed attempt. Its texts name people, so they are judged here and stored nowhere. */
export interface SmtpError {
  responseCode?: number;
  response?: string;
  code?: string;
  /** The code of Node, which nodemailer replaces with one of its own. */
  originalCode?: string;
  command?: string;
  message?: string;
}

export interface Verdict {
  /** Letters, digits, `_` and `.`: never a text of the server. */
  code: string;
  /** Set if a retry is pointless, because there is no such addressee. */
  permanent: boolean;
}

/**
 * The enhanced status codes that are about the addressee itself: no such mailbox, no such host, no such syntax, moved
 * away, a domain that takes no mail (RFC 3463, section 3.2; RFC 7505). The rest is about the sender, the host, a full
 * mailbox or a rule, which the host or time can mend.
 */
const addresseeStatuses = new Set(['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10']);

/** Servers without enhanced status codes say it in words, with one of these reply codes. */
const addresseeReplies = new Set([550, 551, 553]);
const noSuchAddressee =
  /\b(no such (user|mailbox|recipient|address|account)|(unknown|invalid) (user|recipient|mailbox)|(user|recipient|mailbox|address|account) (is )?(unknown|not found|invalid)|(user|recipient|mailbox|address|account) (does not|doesn't) exist|no mailbox here by that name)\b/i;
const aboutSomethingElse =
  /\b(sender|from|relay(ing)?|helo|ehlo|auth\w*|login|spf|dkim|dmarc|spam|block(ed|list)?|blacklist\w*|policy|quota|full|denied|client|greylist\w*)\b/i;

/** Codes for refused certificates, by the code of OpenSSL or Node. */
const certificateFailures: Record<string, string> = {
  CERT_HAS_EXPIRED: 'smtp_certificate_expired',
  CERT_NOT_YET_VALID: 'smtp_certificate_not_yet_valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'smtp_certificate_of_another_host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'smtp_certificate_self_signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'smtp_certificate_untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'smtp_certificate_untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'smtp_certificate_untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'smtp_certificate_untrusted',
  CERT_UNTRUSTED: 'smtp_certificate_untrusted',
  CERT_REVOKED: 'smtp_certificate_untrusted',
  CERT_SIGNATURE_FAILURE: 'smtp_certificate_untrusted',
  INVALID_CA: 'smtp_certificate_untrusted',
  INVALID_PURPOSE: 'smtp_certificate_untrusted',
};

/** Judges a failed attempt: 5xx alone is not final, because the same codes refuse a sender, a relay or a full mailbox. */
export function judge(error: SmtpError): Verdict {
  const { responseCode, command } = error;
  if (responseCode === undefined) return { code: connectionFailure(error), permanent: false };
  if (error.code === 'EAUTH') return { code: 'smtp_sign_in_refused', permanent: false };
  const reply = withoutAddresses(error.response ?? '');
  const status = statusOf(reply);
  const aboutAddressee = command === 'RCPT TO' || command === 'DATA';
  const permanent = aboutAddressee && responseCode >= 500 && refusesAddressee(responseCode, status, reply);
  return { code: `smtp_${responseCode}${status ? `_${status}` : ''}`, permanent };
}

/** A sentence for the host about a failure's code, where there is more to say than the code says. */
export function failureInWords(code: string): string | undefined {
  return words[code] ?? (/^smtp_[45]\d\d/.test(code) ? "the mail server's reply" : undefined);
}

const words: Record<string, string> = {
  no_smtp_server: 'SMTP_URL is not set',
  restored: 'it was waiting when the restored backup was made, and may have been sent since',
  smtp_sign_in_refused: 'the mail server refuses the user or the password of SMTP_URL',
  smtp_certificate_expired: "the mail server's certificate has expired",
  smtp_certificate_not_yet_valid:
    "the mail server's certificate is not valid yet, or the clock of this machine is wrong",
  smtp_certificate_of_another_host: "the mail server's certificate is for another host name than the one in SMTP_URL",
  smtp_certificate_self_signed:
    "the mail server's certificate is self-signed; name a file with it in NODE_EXTRA_CA_CERTS",
  smtp_certificate_untrusted:
    "the mail server's certificate is signed by an authority that this machine does not trust; name a file with that authority's certificate in NODE_EXTRA_CA_CERTS",
  smtp_speaks_no_tls: 'the mail server does not use TLS from the start on this port; write smtp:// instead of smtps://',
  etls: 'the mail server does not offer STARTTLS, or aborted it',
  edns: 'the host name in SMTP_URL is unknown',
  esocket: 'the mail server cannot be reached',
  econnection: 'the mail server closed the connection',
  etimedout: 'the mail server does not answer in time; with port 465 write smtps://',
  emessage: 'the mail server accepts no mail of this size',
  eprotocol: 'the server at SMTP_URL is not a mail server, or refuses this host',
};

function connectionFailure({ code, originalCode, message = '' }: SmtpError): string {
  for (const each of [originalCode, code]) {
    if (each && certificateFailures[each]) return certificateFailures[each];
  }
  if (/wrong version number|packet length too long/i.test(message)) return 'smtp_speaks_no_tls';
  if (code === 'EAUTH') return 'smtp_sign_in_refused';
  return code && /^[A-Z_]{2,30}$/.test(code) ? code.toLowerCase() : 'smtp_failed';
}

function refusesAddressee(replyCode: number, status: string | undefined, reply: string): boolean {
  // Some servers say 5.1.1 of a sender that they do not know.
  if (/\bsender\b/i.test(reply)) return false;
  if (status) return addresseeStatuses.has(status);
  return addresseeReplies.has(replyCode) && noSuchAddressee.test(reply) && !aboutSomethingElse.test(reply);
}

/** The enhanced status code (RFC 2034), which stands right behind the reply code. */
function statusOf(reply: string): string | undefined {
  return /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})(?![.\d])/.exec(reply)?.[1];
}

/** An address may be made of the words that are looked for. */
function withoutAddresses(reply: string): string {
  return reply.replace(/<[^>]*>/g, ' ').replace(/[^\s@]+@[^\s@]+/g, ' ');
}
