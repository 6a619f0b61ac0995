import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { limits } from '../../contract/limits.js';
import { DomainError } from '../problems/domain-error.js';
import { refuse, refuseRaw } from './raw-answers.js';

/** Parts of Node's HTTP server that are not in its types. */
interface Inner {
  maxHeaderSize: number;
  requireHostHeader: boolean;
  shouldUpgradeCallback: (request: IncomingMessage) => boolean;
}

/** The answer that a connection is being given. */
interface Connection extends Socket {
  _httpMessage?: ServerResponse | null;
}

/**
 * Answers with a problem what Node's HTTP server would answer by itself in its own words, or not at all: requests that its
 * parser cannot read, that take too long, or that ask to be anything but a WebSocket.
 */
export function answerUnreadable(server: HttpServer): void {
  const inner = server as unknown as Inner;
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Connection) => {
    if (canBeAnswered(socket)) refuseRaw(socket, refusalOf(error));
    else socket.destroy();
  });
  inner.maxHeaderSize = limits.headerBytes;
  // Node would refuse a request without one by a bare 400; requirePath does it in words.
  inner.requireHostHeader = false;
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    refuse(request, response, malformed('The header Expect can ask for 100-continue and nothing else.'));
  });
  // Clients that offer HTTP/2 in clear, as that of Java does, go on with HTTP/1.1.
  inner.shouldUpgradeCallback = ({ url, headers }) =>
    url?.startsWith('/socket.io/') === true && headers.upgrade?.toLowerCase() === 'websocket';
}

/** Not while something is under way: it would be taken for the answer to that, or stand in the middle of it. */
function canBeAnswered({ writable, _httpMessage: answer }: Connection): boolean {
  return writable && (!answer || (!answer.req.complete && !answer.headersSent));
}

function refusalOf({ code }: NodeJS.ErrnoException): DomainError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new DomainError('headers_too_large', {
        detail: `The address and the headers of a request can have ${limits.headerBytes / 1024} KB together. Send fewer or shorter ones.`,
      });
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new DomainError('too_large', {
        detail: 'The chunk extensions of the body are too long. Send the body without them.',
      });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new DomainError('request_timeout', {
        detail: `The request did not arrive in time: its headers have ${limits.admissionSeconds} seconds, the whole of it ${limits.requestSeconds}. Send it again.`,
      });
    default:
      return malformed('This is no request of HTTP/1.1 (RFC 9112).');
  }
}

const malformed = (detail: string) => new DomainError('malformed_request', { detail });
