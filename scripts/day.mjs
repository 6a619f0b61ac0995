// Plays one day of a bakery through the screens of both apps, with a picture of every step: npm run day [-- --as en-phone-dark]
//
//   --as LIST       days by language, device and theme, instead of it-desktop-light,en-phone-dark
//   --out DIR       instead of ./day
//
// The business registers, prints its sheet and gathers a colleague; twelve customers join (by the sheet, by mail, from
// an imported list); they are written to, one complains, one leaves, one is erased; in the evening nobody waits any more.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { demoFiles } from '../demo/files.mjs';
import { FreshService, harmlessEnvironment } from '../demo/service.mjs';
import shop from '../demo/shop.json' with { type: 'json' };
import team from '../demo/team.json' with { type: 'json' };
import { launchChromium } from '../test/support/chromium.ts';
import { deviceOf, listen, settled, violationsOn } from './pictures.mjs';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    as: { type: 'string', default: 'it-desktop-light,en-phone-dark' },
    out: { type: 'string', default: join(root, 'day') },
  },
});
const out = resolve(values.out);
const days = values.as.split(',').map((day) => {
  const [language, device, theme] = day.split('-');
  return { language, device, theme };
});
const password = 'pane-burro-e-zucchero';
const secondsForMails = 30;
const patience = 30_000;
/** The keys of copies are renewed after an erasure, once a minute at most. */
const patienceWithErasures = 120_000;
const [giulia, , niccolo, oksana, lukasz, , marco, francesca, luca, elena, matteo, chiara] = linesOf(
  'demo/contacts.csv',
)
  .slice(1)
  .map((line) => line.split(','))
  .map(([firstName, surname, , , email, , , , promotions]) => {
    return { firstName, surname, email, name: `${firstName} ${surname}`, promotions: promotions === 'true' };
  });
/** A customer of the list of Google Contacts. */
const anna = { firstName: 'Anna', surname: 'Rossi', name: 'Anna Rossi', email: 'anna.rossi@mail.example' };

mkdirSync(out, { recursive: true });
const faults = [];
for (const day of days) await play(day);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;

async function play(variant) {
  const { language } = variant;
  const service = new FreshService();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => service.stop().then(() => process.exit(1)));
  await service.start();
  // Signals are for the service as well: it has data to delete.
  const browser = await launchChromium([], { handleSIGINT: false, handleSIGTERM: false });
  const pages = new Set();
  let pictures = 0;

  /** A word of the screens. */
  const say = (it, en) => (language === 'it' ? it : en);
  const button = (page, it, en) => page.getByRole('button', { name: say(it, en), exact: true });
  const field = (page, it, en) => page.getByLabel(new RegExp(`^\\s*${say(it, en)}(\\s+(facoltativo|optional))?\\s*$`));
  const heading = (page, it, en) => page.getByRole('heading', { name: say(it, en) }).first();
  const messageTo = (page) => page.getByRole('textbox', { name: say(/^Scrivi a /, /^Write to /) });

  async function deviceFor(device) {
    const context = await browser.newContext({ ...deviceOf({ ...variant, device }), baseURL: service.url });
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    listen(page, (fault) => faults.push(`${language}: ${fault}`));
    pages.add(page);
    page.once('close', () => pages.delete(page));
    return page;
  }

  async function picture(page, name, { whole = false } = {}) {
    await settled(page);
    pictures += 1;
    const file = `${language}-${variant.device}-${String(pictures).padStart(2, '0')}-${name}`;
    await page.screenshot({ path: join(out, `${file}.png`), fullPage: whole });
    console.log(file);
    for (const violation of await violationsOn(page)) faults.push(`${file}: ${violation}`);
  }

  /** Link of the latest mail to somebody, as the host sees the mails that wait. */
  async function mailed(to, from = 0) {
    const deadline = Date.now() + secondsForMails * 1000;
    for (;;) {
      const command = spawn(process.execPath, ['dist/src/commands/outbox.js'], {
        ...{ cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
        env: { ...harmlessEnvironment(), DATA_DIR: service.dataDir, PORT: String(service.port) },
      });
      const mails = (await text(command.stdout)).split('\n\n').filter((mail) => mail.includes(`To       ${to}`));
      const link = mails
        .slice(from)
        .at(-1)
        ?.match(/Link +(\S+)/)?.[1];
      if (link) return new URL(link).pathname;
      if (Date.now() > deadline) throw new Error(`there is no mail to ${to}`);
      await pause(500);
    }
  }

  async function register(page) {
    await page.goto('/register');
    await field(page, 'Nome dell’attività', 'Name of the business').fill(shop.businessName);
    await field(page, 'Categoria', 'Category').selectOption(shop.category);
    await field(page, 'Email dell’attività', 'Email of the business').fill(shop.email);
    await picture(page, 'register-business');
    await button(page, 'Continua', 'Continue').click();
    await field(page, 'Via o piazza', 'Street or square').fill(shop.street);
    await field(page, 'Numero', 'Number').fill(shop.streetNumber);
    await field(page, 'CAP', 'Postcode').fill(shop.postcode);
    await field(page, 'Comune', 'City').fill(shop.city);
    await field(page, 'Provincia', 'Province').selectOption(shop.province);
    await field(page, 'Partita IVA', 'VAT number').fill(shop.vatNumber);
    await picture(page, 'register-address');
    await button(page, 'Continua', 'Continue').click();
    await field(page, 'Nome utente', 'Username').fill(shop.username);
    await field(page, 'Password', 'Password').fill(shop.password);
    await picture(page, 'register-access');
    await button(page, 'Continua', 'Continue').click();
    for (const box of await page.getByRole('checkbox').all()) await box.check();
    await picture(page, 'register-terms', { whole: true });
    await button(page, 'Accetta e registra', 'Accept and register').click();
    await heading(page, 'Apriamo la porta.', 'Let us open the door.').waitFor();
    await picture(page, 'welcome');
  }

  async function openTheDoor(page) {
    await page.goto(await mailed(shop.email));
    await picture(page, 'verify');
    await button(page, 'Conferma', 'Confirm').click();
    await heading(page, 'Indirizzo confermato', 'Address confirmed').waitFor();
    await picture(page, 'verified');
    await page.goto('/welcome');
    await button(page, 'Scegli il logo', 'Choose the logo').click();
    await picture(page, 'logo-choose');
    const { make } = demoFiles.closed;
    const file = { name: 'insegna.jpg', mimeType: 'image/jpeg', buffer: await make() };
    await page.getByRole('dialog').locator('input[type=file]').setInputFiles(file);
    await button(page, 'Usa questo logo', 'Use this logo').waitFor();
    await picture(page, 'logo-crop');
    await button(page, 'Usa questo logo', 'Use this logo').click();
    await page.getByText(say('Ecco il tuo logo', 'This is your logo')).waitFor();
    await picture(page, 'welcome-with-logo');
    await button(page, 'Prepara il foglio', 'Prepare the sheet').click();
    await page
      .getByRole('img', { name: say('Codice QR dell’invito', 'QR code of the invitation') })
      .evaluate((image) => image.decode());
    await picture(page, 'sheet');
    const code = page.url().split('/').at(-2);
    await button(page, 'Stampa il foglio', 'Print the sheet').click();
    const answer = await page.request.get(`/api/invitations/${code}`, { headers: { 'X-Colloquio-App': 'dashboard' } });
    return new URL((await answer.json()).url).pathname;
  }

  async function gatherColleague(page) {
    const [{ displayName, email, username }] = team.staff;
    await page.goto('/settings/profile');
    await field(page, 'Il tuo nome', 'Your name').fill(team.owner);
    await button(page, 'Salva', 'Save').click();
    await picture(page, 'profile');
    await page.goto('/settings/team');
    await button(page, 'Invita un collaboratore', 'Invite a colleague').first().click();
    await field(page, 'Email', 'Email').fill(email);
    await field(page, 'Nome', 'Name').fill(displayName);
    await picture(page, 'team-invite');
    await page
      .getByRole('dialog')
      .getByRole('button', { name: say('Invita', 'Invite'), exact: true })
      .click();
    await heading(page, 'Invito pronto', /ready/i).waitFor();
    await picture(page, 'team-invited');
    const theirs = await deviceFor(variant.device);
    await theirs.goto(await mailed(email));
    await field(theirs, 'Il tuo nome', 'Your name').fill(displayName);
    await field(theirs, 'Nome utente', 'Username').fill(username);
    await field(theirs, 'Password', 'Password').fill(password);
    for (const box of await theirs.getByRole('checkbox').all()) await box.check();
    await picture(theirs, 'team-join', { whole: true });
    await button(theirs, 'Accetta ed entra', 'Accept and enter').click();
    await heading(theirs, 'Conversazioni', 'Conversations').waitFor();
    await picture(theirs, 'team-joined');
    return theirs;
  }

  /** Somebody joins on a phone. Gives the page with the conversation. */
  async function welcomeIn(
    path,
    person,
    { isShown = false, wantsPromotions = person.promotions, isKnown = false } = {},
  ) {
    const page = await deviceFor('phone');
    const show = async (name) => isShown && (await picture(page, name, { whole: true }));
    await page.goto(path);
    await button(page, 'Continua', 'Continue').waitFor();
    await show('join-1');
    await button(page, 'Continua', 'Continue').click();
    if (wantsPromotions) await page.getByRole('checkbox').check();
    await show('join-2');
    await button(page, 'Accetta e continua', 'Accept and continue').click();
    if (!isKnown) {
      await field(page, 'Nome', 'First name').fill(person.firstName);
      await page.getByLabel(say('Cognome', 'Surname')).fill(person.surname);
      await field(page, 'Email', 'Email').fill(person.email);
    }
    await page.getByLabel(say('Inventa una password', 'Choose a password')).fill(password);
    await page.getByLabel(say(/^Ho almeno/, /^I am at least/)).check();
    await show('join-3');
    await button(page, 'Entra e scrivi', 'Join and write').click();
    await page.waitForURL(/\/app\/c\//);
    await page.getByText(say('Ancora nessun messaggio', 'No messages yet')).waitFor();
    await show('joined');
    return page;
  }

  async function write(page, words) {
    await messageTo(page).fill(words);
    await button(page, 'Invia', 'Send').click();
    await page.locator('[data-seq]').getByText(words, { exact: true }).waitFor();
  }

  async function inviteByMail(page, people) {
    await page.goto('/invite');
    for (const [index, { email }] of people.entries()) {
      await field(page, 'Email della persona', 'Email of the person').fill(email);
      if (index === 0) await picture(page, 'invite', { whole: true });
      await button(page, 'Invita', 'Invite').click();
      await page.getByRole('listitem').filter({ hasText: email }).waitFor();
    }
    await picture(page, 'invited-by-mail', { whole: true });
  }

  async function importList(page, name) {
    await page.goto('/address-book');
    await picture(page, `before-${name}`);
    await page.goto('/address-book/import');
    await picture(page, `import-${name}-file`);
    await page.locator('input[type=file]').setInputFiles(join(root, 'test/address-lists', name));
    await heading(page, 'Ecco che cosa succederebbe', 'This is what would happen').waitFor();
    await picture(page, `import-${name}-trial`, { whole: true });
    const understood = page.getByLabel(say(/^Ho capito/, /^I understand/));
    if (await understood.count()) await understood.check();
    await page.getByRole('button', { name: say(/^Invita \d/, /^Invite \d/) }).click();
    await heading(page, 'Importazione finita', 'Import finished').waitFor();
    await picture(page, `import-${name}-report`, { whole: true });
  }

  async function broadcast(page, { name, kind, reason, words, file }) {
    await page.goto('/broadcasts');
    if (name === 'promotion') await picture(page, 'broadcasts-empty');
    await page
      .getByRole('link', { name: say('Nuova comunicazione', 'New broadcast') })
      .first()
      .click();
    await page.getByRole('radio', { name: kind }).check();
    if (reason) await page.getByRole('button', { name: reason, exact: true }).click();
    else await button(page, 'Tutti i contatti', 'All contacts').click();
    await page.getByRole('textbox', { name: say(/^Testo$/, /^Text$/) }).fill(words);
    if (file) {
      const { make } = demoFiles[file];
      const chosen = { name: demoFiles[file].name, mimeType: 'image/jpeg', buffer: await make() };
      await page.locator('input[type=file]').setInputFiles(chosen);
      await page.getByRole('button', { name: say(/^Togli .*jpg$/, /^Remove .*jpg$/) }).waitFor();
    }
    const send = page.getByRole('button', { name: say(/^Invia a \d/, /^Send to \d/) });
    await send.waitFor();
    await picture(page, `${name}-written`, { whole: true });
    await send.click();
    await page.getByText(say('Inviata', 'Sent'), { exact: true }).first().waitFor();
    await page.getByRole('heading', { name: say('Vista', 'Seen'), exact: true }).waitFor();
    await picture(page, `${name}-results`, { whole: true });
  }

  async function openConversation(page, { name }) {
    await page.goto('/');
    await page.locator('[data-row]').filter({ hasText: name }).first().click();
    await messageTo(page).waitFor();
  }

  async function menu(page, it, en) {
    const thread = page.getByRole('region', { name: say(/^Conversazione con /, /^Conversation with /) });
    await thread.getByRole('button', { name: say('Altro', 'More'), exact: true }).click();
    await picture(page, 'thread-menu');
    await page.getByRole('menuitem', { name: say(it, en) }).click();
  }

  async function complain(page, colleague, phone) {
    const { make } = demoFiles.cake;
    const file = { name: 'torta.jpg', mimeType: 'image/jpeg', buffer: await make() };
    await phone.locator('input[type=file]').first().setInputFiles(file);
    await messageTo(phone).fill(say('La torta di ieri era bruciata sotto.', 'Yesterday’s cake was burnt below.'));
    await picture(phone, 'complaint-written');
    await button(phone, 'Invia', 'Send').click();
    await phone.locator('[data-seq] img').first().waitFor();
    await picture(phone, 'complaint-sent');
    await page.goto('/');
    await page.locator('[data-row]').filter({ hasText: giulia.name }).first().waitFor();
    await picture(page, 'complaint-in-the-list');
    await openConversation(colleague, giulia);
    await picture(colleague, 'complaint-opened');
    const claim = colleague.getByRole('button', { name: say('Ci penso io', 'I’ll take it'), exact: true });
    if (variant.device === 'desktop') await claim.click();
    else await menu(colleague, 'Ci penso io', 'I’ll take it');
    await picture(colleague, 'complaint-claimed');
    const sorry = say(
      'Ci dispiace tanto! Passa quando vuoi: la rifacciamo.',
      'We are so sorry! Come by: we bake it again.',
    );
    await write(colleague, sorry);
    await phone.locator('[data-seq]').getByText(sorry).waitFor();
    await picture(phone, 'complaint-answered');
    await openConversation(page, giulia);
    await picture(page, 'complaint-of-colleague');
  }

  async function leave(page, phone) {
    const id = phone.url().split('/').at(-1);
    await phone.goto('/app/privacy');
    await picture(phone, 'privacy', { whole: true });
    await phone.goto(`/app/privacy/leave/${id}`);
    await picture(phone, 'leave');
    await button(phone, 'Chiedi di cancellare tutto', 'Ask to erase everything').click();
    await button(
      phone,
      'Ci ho ripensato: riprendi la conversazione',
      'I changed my mind: go on with the conversation',
    ).waitFor();
    await picture(phone, 'leave-asked');
    await page.goto('/');
    await picture(page, 'leave-told');
    await page.goto('/requests');
    await button(page, 'Cancella tutto…', 'Erase everything…').click();
    await picture(page, 'request-carry-out');
    await page.getByLabel(say(/^Per confermare scrivi /, /^To confirm, type /)).fill(francesca.name);
    await page
      .getByRole('dialog')
      .getByRole('button', { name: say(/^Cancella/, /^Erase/) })
      .click();
    await page
      .getByText(say(/^Fatto: è già illeggibile/, /unreadable/))
      .first()
      .waitFor();
    await picture(page, 'request-carried-out');
    await settled(phone);
    await picture(phone, 'leave-done');
  }

  async function erase(page, person) {
    await openConversation(page, person);
    await menu(page, 'Cancella per sempre…', 'Erase for good…');
    const name = page.getByLabel(say(/^Per confermare scrivi /, /^To confirm, type /));
    await name.fill(person.name);
    await picture(page, 'erase', { whole: true });
    await button(page, 'Cancella per sempre', 'Erase for good').click();
    await page.waitForURL(/\/erasures\//);
    await heading(page, /^(È già illeggibile|Certificato)/, /already unreadable|^Certificate/i).waitFor();
    await picture(page, 'erase-under-way');
    await page.locator('article').waitFor({ timeout: patienceWithErasures });
    await picture(page, 'erase-certificate', { whole: true });
    await page.goto('/erasures');
    await picture(page, 'erasures');
  }

  async function closeTheShop(page) {
    await page.goto('/');
    await page.locator('[data-row]').first().waitFor();
    await page.getByRole('button', { name: say(/^Da rispondere/, /^To answer/) }).click();
    await picture(page, 'evening');
    for (let left = 20; left > 0; left--) {
      // Rows rest under a pointer.
      if (variant.device === 'desktop') await page.mouse.move(900, 10);
      const row = page.locator('[data-row]').first();
      const everybody = page.getByText(say('Hai risposto a tutti.', 'You have answered everybody.'));
      await row.or(everybody).first().waitFor();
      if (await everybody.count()) break;
      const id = await row.getAttribute('data-row');
      await row.click();
      await messageTo(page).waitFor();
      if (left % 2) await write(page, say('Grazie, a domani!', 'Thank you, see you tomorrow!'));
      else if (variant.device === 'desktop') await button(page, 'Non serve risposta', 'No answer needed').click();
      else await menu(page, 'Non serve risposta', 'No answer needed');
      if (variant.device === 'phone') {
        await picture(page, 'evening-answered');
        await page.getByRole('link', { name: say('Torna indietro', 'Go back') }).click();
      } else {
        await picture(page, 'evening-answered');
        await page.mouse.move(900, 10);
      }
      await page.locator(`[data-row="${id}"]`).waitFor({ state: 'detached' });
    }
    await picture(page, 'evening-done');
    await page.goto('/address-book');
    await page.locator('main a[href^="/address-book/0"]').first().waitFor();
    await picture(page, 'address-book');
    await page.goto('/settings/activity');
    await picture(page, 'activity', { whole: true });
  }

  try {
    const owner = await deviceFor(variant.device);
    const scene = async (name, act) => {
      try {
        return await act();
      } catch (error) {
        faults.push(`${language}, ${name}: ${error.stack}`);
        for (const [index, page] of [...pages].entries()) {
          await page.screenshot({ path: join(out, `${language}-fault-${name}-${index}.png`) }).catch(() => {});
        }
      }
    };
    const phones = new Map();
    await register(owner);
    const sheet = await openTheDoor(owner);
    const colleague = await scene('colleague', () => gatherColleague(owner));

    await scene('sheet', async () => {
      phones.set(giulia, await welcomeIn(sheet, giulia, { isShown: true }));
      for (const each of [niccolo, oksana, marco, francesca, luca, elena, matteo]) {
        phones.set(each, await welcomeIn(sheet, each));
      }
      await owner.goto('/');
      await owner.locator('[data-row]').nth(7).waitFor();
      await picture(owner, 'first-conversations');
    });
    await scene('mail', async () => {
      await inviteByMail(owner, [lukasz, chiara]);
      phones.set(lukasz, await welcomeIn(await mailed(lukasz.email), lukasz, { isShown: true }));
      phones.set(chiara, await welcomeIn(await mailed(chiara.email), chiara));
    });
    await scene('google', () => importList(owner, 'google-new.csv'));
    await scene('excel', () => importList(owner, 'excel-it.xlsx'));
    await scene('imported', async () => {
      const path = await mailed(anna.email);
      phones.set(anna, await welcomeIn(path, anna, { isShown: true, wantsPromotions: true, isKnown: true }));
      await owner.goto('/address-book/invited');
      await picture(owner, 'not-yet-joined');
    });
    await scene('talk', async () => {
      await write(phones.get(giulia), say('Buongiorno, avete la focaccia?', 'Good morning, is there any focaccia?'));
      await write(phones.get(elena), say('A che ora aprite domani?', 'When do you open tomorrow?'));
      await openConversation(owner, giulia);
      await write(owner, say('Sì, appena sfornata.', 'Yes, fresh from the oven.'));
      await picture(owner, 'answered');
    });
    await scene('promotion', async () => {
      const words = say('Ciao {{Nome}}, panettone a metà prezzo!', 'Hello {{First name}}, panettone at half price!');
      const kind = say(/^Promozionale/, /^Promotional/);
      await broadcast(owner, { name: 'promotion', kind, words, file: 'cake' });
      const phone = phones.get(marco);
      await phone.locator('[data-seq] img').first().waitFor();
      await picture(phone, 'promotion-read');
      await button(phone, 'Non voglio più promozioni', 'No more promotions').click();
      await phone.getByText(say(/^Fatto\./, /^Done\./)).waitFor();
      await picture(phone, 'promotion-stopped');
      await write(phones.get(niccolo), say('Me ne tenete due?', 'Would you keep two for me?'));
    });
    await scene('closure', async () => {
      const words = say('Lunedì siamo chiusi.', 'We are closed on Monday.');
      const about = { kind: say(/^Di servizio/, /^Service/), reason: say('Chiusura', 'Closure') };
      await broadcast(owner, { name: 'closure', ...about, words });
      await phones.get(luca).getByText(words).last().waitFor();
      await picture(phones.get(luca), 'closure-read');
    });
    await scene('complaint', () => complain(owner, colleague, phones.get(giulia)));
    await scene('leaving', () => leave(owner, phones.get(francesca)));
    await scene('erasing', async () => {
      await write(phones.get(matteo), say('Cancellatemi pure, grazie.', 'Please erase me, thank you.'));
      await erase(owner, matteo);
      await picture(phones.get(matteo), 'erased-on-the-phone');
    });
    await write(phones.get(oksana), say('Grazie dell’avviso!', 'Thank you for telling!'));
    await scene('evening', () => closeTheShop(owner));
    console.log(`${pictures} pictures of the day in ${language}, in ${out}`);
  } catch (error) {
    faults.push(`${language}: ${error.stack}`);
  } finally {
    await browser.close();
    await service.stop();
  }
}

function linesOf(path) {
  return readFileSync(join(root, path), 'utf8').trim().split(/\r?\n/);
}
