// What the page says itself. What a report says comes from the server, in the
// language that was asked for.

const zh = {
  tag: 'zh-CN', other: 'English', otherTag: 'en', page: '云章 · 验证盖章文件',
  name: '云章', what: '文件验章',
  title: '这份文件的印章是真的吗？',
  sub: '选择盖了电子印章的 PDF 文件。文件只用于这一次验证，不会保存。',
  choose: '选择文件', again: '验证另一份文件', drop: '或把文件拖到这里',
  offlineTitle: '不上传文件也能验证',
  offline: '下载信任清单，用命令行在自己的电脑上离线验证：',
  trust: '下载信任清单', keys: '公开的密钥和证书',
  foot: '依据 GB/T 38540 验证印章与签章；文件的真实性由数字签名证明，不由外观证明。',
  busy: (name) => `正在验证 ${name} …`,
  large: (mib) => `文件太大，最大 ${mib} MiB。`,
  empty: '文件是空的。',
  network: '无法连接到验证服务，请检查网络后再试。',
  file: '文件', size: '大小', sm3: '文件 SM3', checked: '验证时间',
  stamp: '印章',
  organization: '单位', code: '印章编码', time: '盖章时间（签章声明）', page_: '位置', at: (p) => `第 ${p} 页`,
  issuer: '证书签发', maker: '制章人', valid: '印章有效期', application: '申报系统', slot: '授权使用', nth: (n, max) => `第 ${n} 次，共 ${max} 次`,
  seal: '印章数据', checks: '逐项检查',
  answers: { yes: '通过', no: '未通过', 'not-checked': '未检查' },
};

const en = {
  tag: 'en', other: '中文', otherTag: 'zh-CN', page: 'Yunzhang · Verify a stamped file',
  name: 'Yunzhang', what: 'Verify a file',
  title: 'Is the seal on this file genuine?',
  sub: 'Choose a PDF that carries an electronic seal. It is used for this one check and not kept.',
  choose: 'Choose a file', again: 'Check another file', drop: 'or drop it here',
  offlineTitle: 'Verify without uploading',
  offline: 'Download the trust bundle and verify offline on your own machine:',
  trust: 'Download the trust bundle', keys: 'Published keys and certificates',
  foot: 'Seals and stamps are checked to GB/T 38540. A digital signature proves a file; its looks do not.',
  busy: (name) => `Checking ${name} …`,
  large: (mib) => `The file is too large: at most ${mib} MiB.`,
  empty: 'The file is empty.',
  network: 'The service cannot be reached. Check the network and try again.',
  file: 'File', size: 'Size', sm3: 'SM3 of the file', checked: 'Checked',
  stamp: 'Seal',
  organization: 'Organization', code: 'Seal code', time: 'Stamped (as claimed)', page_: 'Place', at: (p) => `Page ${p}`,
  issuer: 'Certificate by', maker: 'Made by', valid: 'Valid', application: 'Application', slot: 'Use of the delegation', nth: (n, max) => `${n} of ${max}`,
  seal: 'Seal data', checks: 'Every check',
  answers: { yes: 'yes', no: 'no', 'not-checked': 'not checked' },
};

/** words gives the texts for a language tag such as "en-GB". */
export function words(tag) {
  return /^en\b/i.test(tag || '') ? en : zh;
}
