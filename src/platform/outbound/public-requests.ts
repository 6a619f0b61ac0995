import { lookup as resolveName } from 'node:dns';
import { request } from 'node:https';
import { connect, type LookupFunction, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { Inject, Injectable } from '@nestjs/common';
import { type Config, CONFIG } from '../config.js';
import { addressIn, isPublicAddress } from './public-addresses.js';

/** Names as DNS has them (RFC 1123, section 2.1), with the underscore that some use. */
const hostName = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?$/;

/** The address of a request, or one that its name stands for, is not public. */
export class PrivateAddressRefused extends Error {
  override readonly name = 'PrivateAddressRefused';
}

/** The request was given up, or took too long. */
export class RequestCut extends Error {
  override readonly name = 'RequestCut';
}

export interface PublicAnswer {
  status: number;
  /** The header `Retry-After` as it came. */
  retryAfter: string | undefined;
}

/** A request that can be given up. */
export interface RequestUnderWay {
  answer: Promise<PublicAnswer>;
  /**
   * Gives it up: at once if nothing was sent, and otherwise unless it is answered in that time, so that what is on its way
   * arrives first or never.
   */
  cut: (milliseconds: number) => void;
}

export interface PublicRequest {
  headers: Record<string, string | number>;
  body: Buffer;
  /** Time limit of a request, in milliseconds. */
  timeout: number;
}

/**
 * Sends requests to addresses that strangers have named. They go to public addresses alone, by HTTPS: what a name stands for is
 * checked as it is connected to, no redirect is followed, and nothing is read of an answer but its head.
 */
@Injectable()
export class PublicRequests {
  private readonly testCa: Buffer | undefined;

  constructor(@Inject(CONFIG) { pushTestCa }: Pick<Config, 'pushTestCa'>) {
    this.testCa = pushTestCa;
  }

  /** Tells if a request may go to this address, as far as that can be told without resolving its name. */
  permits(url: URL): boolean {
    if (url.protocol !== 'https:' || url.username || url.password) return false;
    const address = addressIn(url);
    if (address === undefined && !hostName.test(url.hostname)) return false;
    if (this.testCa) return true;
    return url.port === '' && (address === undefined || isPublicAddress(address));
  }

  /** @throws PrivateAddressRefused when it may not go there; the answer rejects with RequestCut or an error of the network */
  post(url: URL, { headers, body, timeout }: PublicRequest): RequestUnderWay {
    if (!this.permits(url)) throw new PrivateAddressRefused(url.protocol);
    const { promise: answer, resolve, reject } = Promise.withResolvers<PublicAnswer>();
    const { tcp, createConnection } = this.connectionTo(url);
    const sent = request(url, { method: 'POST', headers, createConnection });
    tcp.once('error', (error) => sent.destroy(error));
    let written = false;
    let patience: NodeJS.Timeout | undefined;
    const giveUp = () => {
      reject(new RequestCut());
      // What waits in the connection is dropped, and not sent after all.
      if (tcp.connecting) tcp.destroy();
      else tcp.resetAndDestroy();
      sent.destroy();
    };
    const late = setTimeout(giveUp, timeout);
    sent.once('socket', (socket) => {
      socket.once('secureConnect', () => {
        if (!this.testCa && !isPublicAddress(tcp.remoteAddress ?? '')) {
          reject(new PrivateAddressRefused('connected'));
          return sent.destroy();
        }
        written = true;
        sent.end(body);
      });
    });
    sent.once('response', ({ statusCode, headers: { 'retry-after': retryAfter } }) => {
      resolve({ status: statusCode!, retryAfter });
      sent.destroy();
    });
    sent.on('error', reject);
    void answer.catch(() => {}).finally(() => [late, patience].forEach((timer) => clearTimeout(timer)));
    return {
      answer,
      cut: (milliseconds) => {
        if (written) patience ??= setTimeout(giveUp, milliseconds);
        else giveUp();
      },
    };
  }

  /** A connection by TCP, which can be reset, with TLS over it. */
  private connectionTo(url: URL): { tcp: Socket; createConnection: () => Socket } {
    const host = addressIn(url) ?? url.hostname;
    const tcp = connect({
      host,
      port: Number(url.port || 443),
      lookup: this.testCa ? resolveName : resolvePublic,
    });
    const servername = addressIn(url) === undefined ? host : '';
    const createConnection = () =>
      connectSecurely({ socket: tcp, servername, host, ...(this.testCa && { ca: this.testCa }) });
    return { tcp, createConnection };
  }
}

/** Resolves a name, unless one of its addresses is not public. */
const resolvePublic: LookupFunction = (hostname, options, callback) => {
  resolveName(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '', 0);
    const [first] = addresses;
    if (!first || !addresses.every(({ address }) => isPublicAddress(address))) {
      return callback(new PrivateAddressRefused('resolved'), '', 0);
    }
    if (options.all) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
