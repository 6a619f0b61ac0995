import { type Device, type Hearing, between, openSocket } from './devices.js';

export interface XmppLogin {
  port: number;
  domain: string;
  user: string;
  password: string;
  /** Address of the other side. */
  peer: string;
}

const resource = 'bench';
const receiptNamespace = 'urn:xmpp:receipts';

/** A device of an XMPP server (RFC 6120, 6121), with receipts (XEP-0184). */
export async function connectToXmpp(login: XmppLogin, hearing: Hearing): Promise<Device> {
  const { port, domain, user, password, peer } = login;
  const socket = openSocket(port, hearing).setEncoding('latin1');
  const to = `${peer}@${domain}/${resource}`;
  let rest = '';
  const collect = (chunk: string) => void (rest += chunk);
  socket.on('data', collect);
  const said = async (mark: string) => {
    while (!rest.includes(mark)) {
      await new Promise((resolve) => socket.once('data', resolve));
    }
    rest = '';
  };
  const header = `<stream:stream to='${domain}' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`;
  const credentials = Buffer.from(`\0${user}\0${password}`).toString('base64');
  socket.write(header);
  await said('</stream:features>');
  socket.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${credentials}</auth>`);
  await said('<success');
  socket.write(header);
  await said('</stream:features>');
  socket.write(
    `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind></iq>`,
  );
  await said('</iq>');
  socket.write('<presence/>');
  await said('<presence');

  let receipts = 0;
  const stanza = (text: string) => {
    const receipt = text.indexOf('<received ');
    if (receipt >= 0) return hearing.finished(Number(between(text, " id='", "'", receipt)));
    const body = text.indexOf('<body>');
    if (body < 0) return hearing.failed(text);
    const id = between(text, " id='", "'");
    socket.write(
      `<message to='${to}' type='chat' id='r${receipts++}'><received xmlns='${receiptNamespace}' id='${id}'/></message>`,
      'latin1',
    );
    hearing.received(between(text, '<body>', '<', body));
  };
  socket.off('data', collect);
  socket.on('data', (chunk: string) => {
    rest = rest ? rest + chunk : chunk;
    let start = 0;
    for (let end = rest.indexOf('</message>'); end >= 0; end = rest.indexOf('</message>', start)) {
      stanza(rest.slice(start, end));
      start = end + '</message>'.length;
    }
    if (rest.startsWith('</stream', start)) hearing.failed(rest.slice(start));
    rest = rest.slice(start);
  });
  return {
    send: (number, text) =>
      void socket.write(
        `<message to='${to}' type='chat' id='${number}'><body>${text}</body><request xmlns='${receiptNamespace}'/></message>`,
        'latin1',
      ),
    close: () => void socket.destroy(),
  };
}
