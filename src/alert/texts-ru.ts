// Alerts in Russian.
import type { AlertFacts, AlertNews, AlertTexts } from './texts.ts'

const subjects: Readonly<Record<AlertNews, string>> = {
  raised: 'Внимание',
  lasting: 'По-прежнему',
  over: 'Снято',
}

const openings: Readonly<Record<AlertNews, (title: string, hostname: string) => string>> = {
  raised: (title, hostname) => `Серверу ${hostname} требуется вмешательство администратора: ${title}.`,
  lasting: (title, hostname) =>
    `Серверу ${hostname} по-прежнему требуется вмешательство администратора. Это повторилось: ${title}.`,
  over: (title, hostname) =>
    `То, о чём сообщал сервер ${hostname}, больше не продолжается, делать ничего не нужно: ${title}.`,
}

const waitingCount = ({ waiting: { recipients, isCounted } }: AlertFacts): string =>
  isCounted ? `${recipients}` : `больше ${recipients}`

function whatFailed({ evidence: { reply, source } }: AlertFacts): string {
  if (!reply || reply.code < 500) return ''
  return source?.isOnly === false
    ? ' Отклонённое письмо отправляется с другого адреса пула и возвращается отправителю, только если отклонят со всех.'
    : ' Отклонённое письмо вернулось отправителю.'
}

const origin = ({ evidence: { source } }: AlertFacts): string =>
  source ? `адреса ${source.address} (пул "${source.pool}")` : 'этого сервера'

function whatGoesOn({ name, evidence: { source } }: AlertFacts): string {
  if (!source)
    return 'Пока туда ничего не отправляется: новые попытки только вредят; остальная почта идёт как обычно.'
  const others = source.isOnly
    ? ''
    : ` С других адресов пула почта туда идёт, если ${name} не отклоняет и её.`
  return `С этого адреса туда пока ничего не отправляется: новые попытки только вредят; остальная почта идёт как обычно.${others}`
}

function takenAgain({ ended, evidence: { source } }: AlertFacts): string {
  if (!ended) return ''
  if (ended.isUntried) return 'Неделю туда ничего не отправлялось, и принимают ли там почту, неизвестно.'
  const from = source ? ` с адреса ${source.address}` : ''
  return `Почту${from} там снова принимают (с какого времени: ${ended.at}). То, что ждало, уходит само.`
}

/** Те же виды, что в src/acme/records.ts. */
const issuingSteps: Readonly<Record<string, string>> & { readonly refused: string } = {
  unreachable:
    'Сервер не может связаться с удостоверяющим центром. Проверьте, доступен ли с этой машины адрес directory из [tls.acme] (межсетевой экран, прокси, DNS, часы), или подождите, пока центр снова заработает.',
  'rate-limited':
    'Центр просит обращаться к нему реже и говорит, до какого времени. Сервер ждёт столько же; попытки раньше срока только удлиняют ожидание.',
  'http-01':
    'Центр обращается на порт 80 по всем записям A и AAAA этого имени, из любой точки мира. Все эти адреса должны вести на этот сервер; ни межсетевой экран, ни другой веб-сервер не должны мешать.',
  'tls-alpn-01':
    'Центр обращается на порт 443 по всем записям A и AAAA этого имени, из любой точки мира. Все эти адреса должны вести на этот сервер, и ничто по пути не должно завершать TLS.',
  'dns-01':
    'Центр ищет запись TXT с именем _acme-challenge перед этим именем. Проверьте, что ваша программа (hook) вносит её в зону и завершается, только когда запись есть на всех серверах зоны.',
  caa: 'Запись CAA домена перечисляет, кто может выдавать сертификаты, и этого центра там нет. Добавьте его или удалите запись.',
  account:
    'Центру нужна известная ему учётная запись или адрес, который он принимает: проверьте contact, keyId и hmacKeyFile в [tls.acme].',
  hook: 'Запустите программу из hook в [tls.acme] вручную от имени пользователя сервера и исправьте то, что она сообщает.',
  port: 'Освободите порт, разрешите этому пользователю его открыть или укажите другой порт в [tls.acme] и направьте на него порт 80 (или 443).',
  certificate:
    'Центр выдал не то, что было запрошено. Сообщите его владельцу или выберите в [tls.acme] другой центр.',
  refused: 'Исправьте то, на что указывает центр.',
}

const dayFormat = new Intl.DateTimeFormat('ru', { dateStyle: 'long', timeZone: 'UTC' })

function describeInUse(endsOn: string | undefined, isOurs: boolean): string {
  if (endsOn === undefined)
    return 'Почтовые программы пользователей предупреждают о том, что сервер показывает вместо него, или не подключаются. Так же поступают серверы, которые проверяют сертификаты (DANE, MTA-STS): их почта ждёт. Остальные отправляют как обычно.'
  return `${isOurs ? 'До этого дня всё работает' : `Прежний сертификат остаётся в работе до ${endsOn}`}. После этого почтовые программы пользователей перестанут подключаться, а почта с серверов, которые проверяют сертификаты (MTA-STS), будет ждать.`
}

function describeSending({ subject, evidence: { sending, detail, sort } }: AlertFacts): string {
  if (sort === 'spam')
    return `Письма ${subject} похожи на спам. Причина, как она записана в журнале: ${detail}`
  if (!sending) return `${subject} отправляет намного больше обычного: ${detail}.`
  const { recipients, newRecipients, ended, failed, before } = sending.figures
  return sending.suspicion === 'rate'
    ? `За два часа с ${subject} отправлено на другие серверы писем получателям: ${recipients}; впервые — ${newRecipients} из них. За 30 дней до этого в самый занятый час их было ${before.busiestHour}.`
    : `За сутки с ${subject} отправлены письма на другие серверы; получателей: ${ended}, из них не существует: ${failed}. За 30 дней до этого — ${before.failed} из ${before.ended}. Так бывает со старыми или купленными списками адресов.`
}

export const russian: AlertTexts = {
  senderName: 'Почтовый сервер',
  subject: (news, title) => `${subjects[news]}: ${title}`,
  opening: (news, title, hostname) => openings[news](title, hostname),
  kinds: {
    'reputation-block': facts => ({
      about: facts.name,
      title: `${facts.name} не ${facts.ended ? 'принимал' : 'принимает'} почту с ${origin(facts)} из-за его репутации`,
      happened: `Тамошние почтовые серверы не принимают с ${origin(facts)} никакой почты, о чём бы она ни была: ${facts.evidence.source ? 'этот' : 'его'} IP-адрес, имя или домен имеет у них плохую репутацию или попал в чёрный список.`,
      meaning: `Получателей, чьи письма ждут: ${waitingCount(facts)}.${whatFailed(facts)} ${whatGoesOn(facts)} Время от времени одно письмо проверяет, принимают ли почту снова; если да, следом уходит всё, что ждёт. То, что ждёт слишком долго, возвращается отправителю.`,
      steps: [
        {
          text: 'Посмотрите, чья почта там ждёт. Чаще всего репутацию портят украденный пароль или список устаревших адресов: прежде всего прекратите это.',
          command: `postrider queue summary --by sender --destination ${facts.argument}`,
        },
        facts.knownStep ?? {
          text: 'Прочитайте в ответе того сервера, что ему не нравится, и исправьте это.',
        },
        {
          text: 'Когда причина устранена, отправьте всё, что ждёт, немедленно:',
          command: `postrider queue retry --destination ${facts.argument}`,
        },
        {
          text: 'То, что не может ждать, можно отправить через другой сервер, который принимает почту от вашего:',
          command: `postrider queue reroute --destination ${facts.argument} --via smtp.example.com:25`,
        },
      ],
      now: takenAgain(facts),
      detail: facts.detail,
    }),
    'message-set-aside': facts => ({
      about: facts.subject,
      title: facts.ended
        ? `письмо ${facts.subject} было отложено: на нём прерывалась доставка`
        : `письмо ${facts.subject} отложено: на нём прерывается доставка`,
      happened:
        'Часть сервера, которая доставляет почту, аварийно завершалась каждый раз, когда бралась за это письмо. Чтобы остальная почта шла, письмо задержано.',
      meaning: `Вашего решения ждут письма получателям (${waitingCount(facts)}); отправителю ничего не сообщалось. Остальная почта идёт как обычно.`,
      steps: [
        {
          text: 'Посмотрите, от кого письмо и что с ним делали:',
          command: `postrider trace ${facts.subject}`,
        },
        {
          text: 'В журнале сказано, отчего завершилась доставка. Это ошибка программы: сообщите о ней, приложив эти строки, и установите новую версию, если она есть.',
        },
        {
          text: 'Попробуйте доставить его ещё раз. Если доставка снова прервётся, письмо снова будет отложено.',
          command: `postrider queue release ${facts.subject}`,
        },
        {
          text: 'Или уберите его из очереди. Отправителю об этом не сообщается: сделайте это сами.',
          command: `postrider queue cancel ${facts.subject}`,
        },
      ],
      now: `Письмо больше не задержано (с какого времени: ${facts.ended?.at ?? ''}): его отправили дальше или убрали из очереди.`,
      detail: 'письмо отложено: каждый раз, когда доставка бралась за него, она аварийно завершалась',
    }),
    'certificate-file': ({ subject, evidence, endsOn, ended, detail }) => ({
      about: subject,
      ...(evidence.sort === 'ending'
        ? {
            title: `срок сертификата ${subject} ${ended ? 'истекал' : endsOn === undefined ? 'истёк' : `истекает ${endsOn}`}`,
            happened: 'Новый сертификат на его место никто не положил.',
          }
        : {
            title: `сертификат ${subject} ${ended ? 'был ' : ''}непригоден`,
            happened: `Причина, как она записана в журнале: ${evidence.detail}`,
          }),
      meaning: describeInUse(endsOn, evidence.sort === 'ending'),
      steps: [
        {
          text: 'Положите правильный сертификат с цепочкой и его ключ в файлы, указанные в настройках. Сервер проверяет их раз в минуту. Что он показывает и что не так с файлами:',
          command: 'postrider certificate show',
        },
        {
          text: 'Выясните по журналу программы, которая обновляет сертификат (certbot, acme.sh…), почему она этого не сделала. Или поручите получать сертификаты самому серверу ([tls.acme] в настройках).',
        },
      ],
      now: `Файлы снова в порядке (с какого времени: ${ended?.at ?? ''}).`,
      detail,
    }),
    'account-sends-virus': ({ subject, account, evidence, ended, detail }) => ({
      about: subject,
      title: `проверка не пропустила письмо ${subject}`,
      happened: `О письме этой учётной записи сканер сообщил, как записано в журнале: ${evidence.detail}`,
      meaning:
        'Письмо отклонено, его никто не получил. Возможно, на компьютере владельца вирус или пароль стал известен постороннему.',
      steps: [
        {
          text: 'Посмотрите, что учётная запись отправляла в последнее время и откуда.',
          command: `postrider trace ${account}`,
        },
        {
          text: 'Если это был не владелец, задайте новый пароль',
          command: `postrider account password ${account} --generate`,
        },
        {
          text: 'и задержите то, что она ещё отправит, пока не разберётесь.',
          command: `postrider account hold ${account}`,
        },
      ],
      now: `Больше такого не было (с какого времени: ${ended?.at ?? ''}).`,
      detail,
    }),
    'hook-file': ({ subject, evidence, ended, detail }) => ({
      about: subject,
      title: `файл обработчиков ${subject} ${ended ? 'был ' : ''}непригоден`,
      happened: `Его последняя версия не работает. Причина, как она записана в журнале: ${evidence.detail}`,
      meaning:
        'Работает прежняя версия, если она была загружена; после перезапуска её нет, и почта принимается так, будто файла обработчиков нет вовсе.',
      steps: [
        {
          text: 'Исправьте файл в указанном месте. Сервер заметит это сам, и в журнале появится запись о том, что файл загружен.',
        },
      ],
      now: `С файлом снова всё в порядке (с какого времени: ${ended?.at ?? ''}).`,
      detail,
    }),
    'scanner-away': ({ subject, evidence, ended, detail }) => ({
      about: subject,
      title: `сканер ${subject} не ${ended ? 'проверял' : 'проверяет'} почту`,
      happened: `Причина, как она записана в журнале: ${evidence.detail}`,
      meaning:
        evidence.sort === 'defer'
          ? 'Пока сканер недоступен, вся почта, которую он должен проверять, временно не принимается (451): для него задано whenDown = "defer". Отправители повторяют попытки несколько дней, затем прекращают их.'
          : 'Пока сканер недоступен, почта принимается без его проверки: для него задано whenDown = "accept".',
      steps: [
        {
          text: 'Запустите сканер или исправьте в настройках адрес, по которому он доступен ([[scanners]]). Затем проверьте, отвечает ли каждый сканер:',
          command: 'postrider check',
        },
        ...(evidence.sort === 'defer'
          ? [{ text: 'Если сканер не вернётся: с whenDown = "accept" почта принимается без проверки.' }]
          : []),
      ],
      now: `Сканер снова проверяет почту, или проверять было нечего (с какого времени: ${ended?.at ?? ''}).`,
      detail,
    }),
    'certificate-renewal': ({ subject, evidence, endsOn, ended, detail }) => ({
      about: subject,
      title:
        endsOn === undefined
          ? `удостоверяющий центр не ${ended ? 'выдавал' : 'выдаёт'} сертификат для ${subject}`
          : `сертификат для ${subject} не ${ended ? 'обновлялся' : 'обновляется'}, его срок ${ended ? 'истекал' : 'истекает'} ${endsOn}`,
      happened: `Последняя попытка не удалась. Причина, как она записана в журнале: ${evidence.detail}`,
      meaning: describeInUse(endsOn, true),
      steps: [
        { text: issuingSteps[evidence.sort ?? 'refused'] ?? issuingSteps.refused },
        {
          text: 'Затем попробуйте ещё раз и посмотрите, что получится:',
          command: 'postrider certificate renew',
        },
      ],
      now: `Удостоверяющий центр выдал его (замечено: ${ended?.at ?? ''}).`,
      detail,
    }),
    'dkim-record': facts => ({
      about: facts.subject,
      title: `запись DKIM домена ${facts.subject} в DNS отсутствует или неверна`,
      happened:
        'В DNS нет записи ключа, которым сервер подписывает почту этого домена, или запись не та. Какая именно, сказано в подробностях ниже.',
      meaning:
        'Получатели не смогли бы проверить такую подпись, поэтому этим ключом пока ничего не подписывается. Почта уходит как обычно, но с одной подписью меньше или вовсе без подписи, и получатели чаще сочтут её спамом или откажутся принять.',
      steps: [
        {
          text: 'Посмотрите, какие записи должны быть, и опубликуйте недостающие там, где ведётся DNS домена:',
          command: `postrider domain dns ${facts.argument}`,
        },
        {
          text: 'Затем запросите DNS ещё раз. Как только запись появится, подписывание продолжится само.',
          command: `postrider domain dkim ${facts.argument} --check`,
        },
      ],
      now: `Записи в DNS снова верны (замечено: ${facts.ended?.at ?? ''}).`,
      detail: 'записи ключа, которым подписывается почта, в DNS нет, или она не та',
    }),
    'dkim-key-to-publish': facts => ({
      about: facts.subject,
      title: `у домена ${facts.subject} новый ключ DKIM, его запись нужно опубликовать`,
      happened:
        'Ключи, которыми подписывается почта этого домена, время от времени меняются, чтобы украденный или взломанный ключ недолго был полезен. Следующие ключи готовы.',
      meaning:
        'Для почты ничего не меняется: подписывают прежние ключи, пока записи новых не пробудут в DNS сутки. Прежние записи должны оставаться ещё две недели после этого.',
      steps: [
        {
          text: 'Опубликуйте записи, отмеченные как новые, там, где ведётся DNS домена:',
          command: `postrider domain dns ${facts.argument}`,
        },
        {
          text: 'Посмотрите, в каком состоянии ключи и когда можно убрать старую запись:',
          command: `postrider domain dkim ${facts.argument}`,
        },
      ],
      now: `Записи новых ключей появились в DNS (замечено: ${facts.ended?.at ?? ''}).`,
      detail: 'запись следующего ключа ещё не опубликована',
    }),
    'dmarc-alignment': facts => ({
      about: facts.subject,
      title: `почта домена ${facts.subject} с этого сервера ${facts.ended ? 'не проходила' : 'не проходит'} проверку DMARC у получателей`,
      happened:
        'Другой сервер сообщает, что получил с адреса этого сервера письма, автор которых из этого домена, и что ни DKIM, ни SPF этого не подтвердили. Какой сервер и сколько было писем, сказано в подробностях ниже.',
      meaning:
        'С такими письмами поступают так, как запись DMARC домена велит поступать с поддельными: при p=quarantine их считают спамом, при p=reject не принимают. При p=none пока ничего не происходит.',
      steps: [
        {
          text: 'Посмотрите, какой это адрес и что не проходит, DKIM или SPF:',
          command: `postrider dmarc-reports --domain ${facts.argument}`,
        },
        {
          text: 'Если DKIM, проверьте, есть ли ключи домена в DNS:',
          command: `postrider domain dkim ${facts.argument} --check`,
        },
        {
          text: 'Если SPF, сравните запись SPF с той, какой она должна быть:',
          command: `postrider domain dns ${facts.argument}`,
        },
        {
          text: 'Если всё верно, выясните, кто отправляет такие письма через этот сервер (старая программа, форма на сайте, чья-то пересылка) и с каким автором.',
        },
      ],
      now: `Уже три дня в отчётах этого нет (замечено: ${facts.ended?.at ?? ''}).`,
      detail:
        'другой сервер сообщает, что письма домена с адреса этого сервера не подтвердили ни DKIM, ни SPF',
    }),
    'account-held': facts => ({
      about: facts.subject,
      title: `письма ${facts.subject} ${facts.ended ? 'были ' : ''}задержаны: возможно, пароль украден`,
      happened: describeSending(facts),
      meaning: `Задержаны письма получателям (${waitingCount(facts)}) и всё, что учётная запись ещё отправит; никому ничего не сообщалось. Входить и получать почту она может как прежде; остальная почта идёт как обычно.`,
      steps: [
        {
          text: 'Посмотрите, что она отправляет, и спросите владельца, его ли это письма.',
          command: `postrider queue list --account ${facts.account}`,
        },
        {
          text: 'Если нет, сразу задайте новый пароль, чтобы посторонний больше не мог войти,',
          command: `postrider account password ${facts.account} --generate`,
        },
        {
          text: 'и уберите из очереди то, что он отправил. Сначала проверьте, нет ли среди этого писем владельца.',
          command: `postrider queue cancel --account ${facts.account}`,
        },
        {
          text: 'После этого, или если письма нужны, отправьте остальное. В течение суток учётная запись не будет задержана снова.',
          command: `postrider account release ${facts.account}`,
        },
        {
          text: 'Учётную запись, которая часто пишет многим, впишите в настройку submission.bulkSenders: её рассылки не вызовут подозрений.',
        },
      ],
      now: `Учётная запись снова отправляет почту (замечено: ${facts.ended?.at ?? ''}).`,
      detail: facts.detail,
    }),
  },
  happenedLabel: 'Что случилось',
  nowLabel: 'Сейчас',
  meaningLabel: 'Что это значит для почты',
  stepsTitle: 'Что делать сейчас',
  detailsTitle: 'Подробности',
  sinceLabel: 'С какого времени',
  seenLabel: 'Последний раз',
  timesLabel: 'Сколько раз',
  endedLabel: 'Закончилось',
  detailLabel: 'Запись',
  closing: hostname =>
    `Это сообщение составил почтовый сервер ${hostname}. Ответы на него никто не читает. Что ещё требует вмешательства, показывает "postrider alerts"; кому приходят такие письма, задаёт настройка alerts.to.`,
  day: at => dayFormat.format(at),
}
