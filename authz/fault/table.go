package fault

// all collects what define made, for All.
var all []*Error

func define(kind Kind, code, zh, en string) *Error {
	e := &Error{Kind: kind, Code: code, ZH: zh, EN: en}
	all = append(all, e)
	return e
}

// All lists every fault of the system in the order of this file.
func All() []*Error { return append([]*Error(nil), all...) }

// Requests.
var (
	InternalError       = define(Internal, "internal", "系统内部错误，请稍后再试", "Something went wrong on our side. Please try again later.")
	BadRequest          = define(Invalid, "bad-request", "请求格式不正确", "The request is malformed.")
	RouteUnknown        = define(NotFound, "route-unknown", "没有这个地址", "There is nothing at this address.")
	BodyLength          = define(LengthRequired, "length-required", "请求必须带有 Content-Length", "The request must carry Content-Length.")
	BodyTooLarge        = define(TooLarge, "too-large", "内容超过大小限制", "The content is over the size limit.")
	BadMediaType        = define(MediaType, "media-type", "不支持的内容类型", "This content type is not accepted here.")
	SlowDown            = define(TooMany, "slow-down", "操作太频繁，请稍候再试", "Too many requests. Please wait and try again.")
	ShuttingDown        = define(Unavailable, "shutting-down", "服务正在重启，请稍后再试", "The service is restarting. Please try again.")
	IdempotencyMissing  = define(Invalid, "idempotency-missing", "缺少 Idempotency-Key", "An Idempotency-Key header is required.")
	IdempotencyRunning  = define(Conflict, "idempotency-running", "相同请求正在处理", "The same request is still running.")
	IdempotencyMismatch = define(Unprocessable, "idempotency-mismatch", "相同的 Idempotency-Key 用于了不同的请求", "This Idempotency-Key was used for another request.")
	Absent              = define(NotFound, "not-found", "内容不存在", "Not found.")
	StateConflict       = define(Conflict, "conflict", "状态已变化，请刷新后再试", "The state has changed. Refresh and try again.")
	HostUnknown         = define(Forbidden, "host", "访问的域名不属于本系统", "This host name is not one of ours.")
)

// Who asks.
var (
	Unauthorized    = define(Unauthenticated, "auth", "身份验证失败", "Authentication failed.")
	NonceRequired   = define(Unauthenticated, "nonce-required", "需要新的服务器随机数", "A fresh server nonce is required.")
	DeviceUnknown   = define(Forbidden, "device-unknown", "设备未登记", "This device is not enrolled.")
	DeviceRevoked   = define(Forbidden, "device-revoked", "设备已停用", "This device has been revoked.")
	DeviceLocked    = define(Locked, "device-locked", "设备因多次输错数字已锁定，请联系运营人员", "This device is locked after wrong numbers. Ask the operators.")
	DeviceCooling   = define(Forbidden, "device-cooling", "新设备处于冷静期，暂不能进行此操作", "This new device may not do this yet.")
	Signature       = define(Forbidden, "signature", "签名无效", "The signature is not valid.")
	SignatureHW     = define(Forbidden, "signature-hw", "设备安全密钥签名无效", "The device's second signature is not valid.")
	Tier            = define(Forbidden, "tier", "此类设备不能进行该操作", "Devices of this kind may not do this.")
	PINWeak         = define(Unprocessable, "pin-weak", "签名密码至少 8 位，且须包含字母和数字", "The PIN needs at least 8 characters with letters and digits.")
	PINWrong        = define(Unprocessable, "pin-wrong", "签名密码错误", "The PIN is wrong.")
	PINLocked       = define(Locked, "pin-locked", "签名密码已锁定，请通过实人认证解锁", "The PIN is locked. Unlock it by real-person authentication.")
	StepUpNeeded    = define(StepUp, "step-up", "需要重新进行实人认证", "Fresh real-person authentication is required.")
	CodeWrong       = define(Unprocessable, "code-wrong", "验证码错误或已失效", "The code is wrong or has lapsed.")
	NoticeDown      = define(Unavailable, "notice-down", "短信暂时无法发送，请稍后再试", "The message cannot be sent right now. Please try again later.")
	RealPersonDown  = define(Unavailable, "real-person-down", "实人认证服务暂时不可用", "Real-person authentication cannot be reached right now.")
	RealPersonFails = define(Forbidden, "real-person", "实人认证未通过", "Real-person authentication did not succeed.")
)

// People and organizations.
var (
	IDNumberBad     = define(Unprocessable, "id-number", "公民身份号码不正确", "The citizen ID number is not valid.")
	USCCBad         = define(Unprocessable, "uscc", "统一社会信用代码不正确", "The unified social credit code is not valid.")
	PhoneBad        = define(Unprocessable, "phone", "手机号码不正确", "The phone number is not valid.")
	NameBad         = define(Unprocessable, "name", "名称含有不允许的字符", "The name contains characters that are not allowed.")
	NotLegalRep     = define(Forbidden, "not-legal-representative", "您不是该单位登记的法定代表人", "You are not the registered legal representative of this organization.")
	RegistrySilent  = define(Unavailable, "registry-down", "企业登记信息暂时无法核验", "The business registry cannot be reached right now.")
	OrgInactive     = define(Forbidden, "principal", "单位状态不允许此操作", "The state of the organization does not permit this.")
	AgentNotAllowed = define(Forbidden, "agent-not-approved", "经办人尚未获得授权", "The agent is not yet approved.")
	MemberExists    = define(Conflict, "member-exists", "已经登记，无需重复申请", "Already registered there.")
	PersonExists    = define(Conflict, "person-exists", "该身份已注册，请在原设备上确认或走换机流程", "This identity is registered already. Confirm on the old device or replace it.")
	RoleMissing     = define(Forbidden, "role", "没有所需的岗位权限", "Your role does not permit this.")
	SamePerson      = define(Forbidden, "same-person", "同一事项的两个环节不能由同一人办理", "Two steps of one matter need two different people.")
)

// Seals.
var (
	AgreementMissing  = define(Conflict, "agreement", "请先签署使用服务协议", "Sign the service agreement first.")
	SealKindBad       = define(Unprocessable, "seal-kind", "不支持的印章类型", "This kind of seal is not offered.")
	SealExists        = define(Conflict, "seal-exists", "该印章已领取", "This seal has been claimed already.")
	FilingMissing     = define(Conflict, "filing", "未找到印章备案信息", "No filed impression was found.")
	ImpressionBad     = define(Unprocessable, "impression", "印模图片不符合要求", "The picture of the impression cannot be used.")
	GlyphMissing      = define(Unprocessable, "impression-glyph", "印章字库缺少名称中的字", "A character of the name is missing from the seal font.")
	SealFrozen        = define(Forbidden, "seal-frozen", "印章已冻结", "The seal is frozen.")
	SealUnusable      = define(Forbidden, "seal-state", "印章当前不可用", "The seal cannot be used in its present state.")
	SealExpired       = define(Forbidden, "seal-expired", "印章已过有效期", "The seal has expired.")
	SealCertificate   = define(Forbidden, "seal-cert", "印章证书无效", "The certificate of the seal is not valid.")
	SealNotForAction  = define(Forbidden, "seal-scope", "该印章不能用于此操作", "This seal is not for this use.")
	ApplicationClosed = define(Conflict, "application-closed", "该申请已办结", "This application has been decided already.")
)

// Delegations.
var (
	DelegationNone    = define(Forbidden, "delegation-none", "没有有效授权", "There is no delegation for this.")
	DelegationRevoked = define(Forbidden, "delegation-revoked", "授权已撤销", "The delegation has been revoked.")
	DelegationExpired = define(Forbidden, "delegation-expired", "授权不在有效期内", "The delegation is not in force at this time.")
	DelegationScope   = define(Forbidden, "delegation-scope", "授权范围不包括此操作", "The delegation does not cover this.")
	DelegationLimit   = define(Forbidden, "delegation-limit", "授权次数已用完", "The delegation is used up.")
	DelegationBad     = define(Unprocessable, "delegation", "授权内容不正确", "The delegation is not well formed.")
)

// Tickets.
var (
	TicketUnavailable = define(NotFound, "ticket-unavailable", "二维码不存在或已失效", "This code does not exist or has ended.")
	WrongState        = define(Conflict, "wrong-state", "当前状态不允许此操作", "The state of the request does not permit this.")
	TicketClaimed     = define(Conflict, "ticket-claimed", "二维码已被扫描", "This code has been scanned already.")
	Expired           = define(Gone, "expired", "已过期，请重新获取二维码", "This has expired. Ask for a new code.")
	FrameStale        = define(Unprocessable, "frame-stale", "二维码已刷新，请重新扫描", "The code has moved on. Scan it again.")
	StatementChanged  = define(Conflict, "statement-changed", "待确认内容已变化", "What was to be confirmed has changed.")
	StatementBad      = define(Unprocessable, "statement", "声明内容不符合规范", "The statement is not canonical.")
	MatchWrong        = define(Unprocessable, "match-wrong", "数字不一致", "The number does not match.")
	Blocked           = define(Locked, "blocked", "该请求已被阻止", "This request has been blocked.")
	Subject           = define(Forbidden, "subject", "扫码人不是该请求的办理人", "This request is meant for another person.")
	AppInactive       = define(Forbidden, "app", "申报系统不可用", "The declaration system is not active.")
	OriginBad         = define(Forbidden, "origin", "页面来源未登记", "The page's origin is not registered.")
	OpenTickets       = define(TooMany, "open-tickets", "未完成的请求过多", "Too many open requests.")
	VerifierWrong     = define(Forbidden, "verifier", "结果校验失败", "The verifier is not the one of this request.")
	AccountBound      = define(Conflict, "account-bound", "该账号已绑定证书", "This account has an active binding.")
	SecondNeeded      = define(Forbidden, "second-approver", "需要另一人复核", "A second person must approve this.")
	BindingMissing    = define(NotFound, "binding", "没有有效的绑定", "There is no active binding.")
)

// Documents and stamps.
var (
	DocumentRefused = define(Unprocessable, "document-refused", "文件不符合用印要求", "The document cannot be stamped.")
	DocumentBusy    = define(Conflict, "document-busy", "该文件已有进行中的用印请求", "The document has an open stamp request.")
	DocumentChanged = define(Conflict, "document-changed", "文件与确认时不一致", "The document is not the one that was shown.")
	PlaceBad        = define(Unprocessable, "place", "盖章位置不正确", "The place of the stamp is not valid.")
	SignerRefused   = define(Forbidden, "signer-refused", "签章模块拒绝签章", "The signer refused to stamp.")
	NotStamped      = define(Conflict, "not-stamped", "文件尚未盖章", "The document is not stamped (yet).")
	StampFailed     = define(Conflict, "stamp-failed", "盖章未完成", "The stamp was not made.")
	EvidenceStale   = define(Gone, "evidence-stale", "确认已超过有效时间", "The approval is too old to be used.")
)
