// Who walks the pages: the insurers of tenants/ as the demo shows them, and invented people of their sample rosters. Each
// person signs up once in a run, so each belongs to one test. What is typed differs from the roster on purpose.

/** Everybody's password; it satisfies each insurer's rule. */
export const PASSWORD = 'Tsukushi7bon&';

/** The user IDs and the password of those whom the demo registers beforehand. */
export const DEMO_PASSWORD = 'Himawari2rin&';

/** By insurer code. `desktop` is the person whom the demo's start page names. */
export const INSURERS = {
  32290413: {
    code: '32290413',
    name: '奈良県市町村職員共済組合',
    desk: '専用コールセンター',
    phone: '050-2030-4706',
    colour: '#1b6e3c',
    passwordRule: '8文字以上20文字以内',
    terms: ['窓口 Madoguchi 利用規約', '奈良県市町村職員共済組合 個人情報の取り扱いについて'],
    menu: {
      各種申請・登録: ['被扶養者資格調査', 'インフルエンザ補助金申請', 'WEB申請', '被扶養者連絡先登録'],
      通院: ['医療費通知', '上手な医療のかかり方'],
      お薬: ['ジェネリック差額明細', '上手なお薬との付き合い'],
    },
    registered: { userId: 'demo-32290413', name: '共済 花子' },
    people: {
      desktop: person('健保 太郎', { symbol: '１００', number: '１０５', birth: [1975, 4, 12], kana: 'けんほたろう' }, ['100', '105']),
      phone: person('髙﨑 実', { symbol: '100', number: '１０７', birth: [1968, 7, 7], kana: 'ﾀｶｻｷ ﾐﾉﾙ' }, ['100', '107']),
      plain: person('SMITH JOHN PAUL', { symbol: '奈良-3', number: '21', birth: [1985, 12, 24], kana: 'すみす　じょん　ぽーる' }, ['奈良ー３', '21']),
      keyboard: person('𠮷田 正雄', { symbol: '100', number: '12', birth: [1963, 10, 20], kana: 'ヨシダ マサオ' }, ['100', '0012']),
      mistaken: person('福井 昭一', { symbol: '200', number: '1', birth: [1989, 1, 7], kana: 'フクイ ショウイチ' }, ['200', '1']),
      inside: person('二宮 明日香', { symbol: '200', number: '3', birth: [1988, 2, 29], kana: 'ニノミヤ アスカ' }, ['200', '3']),
    },
  },
  '06139992': {
    code: '06139992',
    name: 'みほん健康保険組合',
    desk: '加入者サポート窓口',
    phone: '000-0000-0613',
    colour: '#f39800',
    passwordRule: '10文字以上20文字以内',
    asksEmployeeNumber: true,
    terms: ['窓口 Madoguchi 利用規約', 'みほん健康保険組合 個人情報の取り扱いについて', '窓口 Madoguchi ポイントサービス利用規約'],
    menu: {
      各種申請・登録: ['被扶養者資格調査', 'インフルエンザ補助金申請', 'WEB申請', '被扶養者連絡先登録'],
      通院: ['医療費通知', '上手な医療のかかり方'],
      お薬: ['ジェネリック差額明細', '上手なお薬との付き合い'],
    },
    registered: { userId: 'demo-06139992', name: '組合 京子' },
    people: {
      desktop: person('見本 一郎', { symbol: '２１', number: '1001', birth: [1980, 6, 15], kana: 'みほん いちろう', employee: '２０４５１８' }, ['21', '1001'], {
        email: 'ichiro.mihon@example.jp',
        mask: 'i***n@ex***.jp',
      }),
      phone: person('山﨑 剛', { symbol: '12-34', number: '5678', birth: [1976, 1, 31], kana: 'やまさきこう', employee: '100258' }, ['１２－３４', '5678'], {
        email: 'e100258@example.jp',
        mask: 'e***8@ex***.jp',
      }),
    },
  },
  139998: {
    code: '139998',
    name: 'みほん国民健康保険組合',
    desk: 'みほん国保組合 事務局',
    phone: '000-0000-1399',
    colour: '#7a2e6f',
    passwordRule: '8文字以上20文字以内',
    terms: ['窓口 Madoguchi 利用規約', 'みほん国民健康保険組合 個人情報の取り扱いについて'],
    // 被扶養者 don't exist here, so the survey and their contacts are hidden.
    menu: {
      各種申請・登録: ['インフルエンザ補助金申請', 'WEB申請'],
      通院: ['医療費通知', '上手な医療のかかり方'],
      お薬: ['ジェネリック差額明細', '上手なお薬との付き合い'],
    },
    registered: { userId: 'demo-139998', name: '棟方 良子' },
    people: {
      desktop: person('国保 次郎', { symbol: '10', number: '２００１', birth: [1968, 11, 3], kana: 'こくほ　じろう' }, ['10', '2001']),
      // One of twins: the same household number, the same day of birth.
      phone: person('寺田 健太', { symbol: '10', number: '2021', birth: [2002, 8, 8], kana: 'テラダ　ケンタ' }, ['10', '2021']),
    },
  },
};

function person(name, typed, [symbol, number], registered = null) {
  return { name, typed, symbol, number, registered };
}
