package pdf

import "slices"

// Finding is a reason not to stamp a document, in words its sender can act on.
type Finding struct {
	Code string `json:"code"`
	ZH   string `json:"zh"`
	EN   string `json:"en"`
	// Object is the number of the PDF object, 0 when there is no single one.
	Object int `json:"object,omitempty"`
	// Page counts from 1, 0 when the finding is on no page.
	Page int `json:"page,omitempty"`
}

// Codes of findings. The first group comes with the refusal of Open.
const (
	Damaged      = "damaged"
	Encrypted    = "encrypted"
	TooLarge     = "too-large"
	TooManyPages = "too-many-pages"
	TooComplex   = "too-complex"

	JavaScript     = "javascript"
	OpenAction     = "open-action"
	Launch         = "launch"
	FormAction     = "form-action"
	ActiveContent  = "active-content"
	EmbeddedFiles  = "embedded-files"
	ExternalData   = "external-data"
	AlternateImage = "alternate-image"

	XFA             = "xfa"
	NeedAppearances = "need-appearances"
	NoAppearance    = "no-appearance"
	ValueDiffers    = "value-differs"

	HiddenLayers    = "hidden-layers"
	SecondCatalog   = "second-catalog"
	SharedPage      = "shared-page"
	InheritedAnnots = "inherited-annotations"
	DuplicateKey    = "duplicate-key"
	TrailingData    = "trailing-data"

	Certified       = "certified-no-changes"
	BrokenSignature = "broken-signature"
	ChangedAfter    = "changed-after-signature"
)

type wording struct{ code, zh, en string }

// wordings are the texts of all codes.
func wordings() []wording {
	return []wording{
		{Damaged, "文件结构已损坏，请用原软件重新导出", "The structure of the file is damaged. Export it again from the program that made it."},
		{Encrypted, "文件已加密，请去除密码和权限限制后重新提交", "The file is encrypted. Remove passwords and restrictions and send it again."},
		{TooLarge, "文件超过大小限制", "The file is over the size limit."},
		{TooManyPages, "文件页数超过限制", "The file has too many pages."},
		{TooComplex, "文件结构过于复杂，请重新导出", "The structure of the file is over a limit. Export it again."},

		{JavaScript, "文件含有脚本，请去除后重新提交", "The file contains JavaScript. Remove it."},
		{OpenAction, "文件在打开或翻页时会自动执行操作，请去除", "The file does something by itself when it is opened or paged. Remove the action."},
		{Launch, "文件含有启动程序的操作，请去除", "The file contains an action that starts a program. Remove it."},
		{FormAction, "文件含有提交、导入、重置或隐藏内容的操作，请去除", "The file contains an action that submits, imports, resets or hides. Remove it."},
		{ActiveContent, "文件含有多媒体或三维内容，请去除", "The file contains multimedia or 3D content. Remove it."},
		{EmbeddedFiles, "文件含有附件，请去除后重新提交", "The file has attachments. Remove them."},
		{ExternalData, "文件引用了外部数据，请改为内嵌", "The file takes data from outside. Embed it."},
		{AlternateImage, "文件中的图片带有替代图片，屏幕与打印可能不一致", "An image has alternates, so that screen and print may differ."},

		{XFA, "文件含有 XFA 表单，请另存为普通 PDF", "The file contains an XFA form. Save it as a plain PDF."},
		{NeedAppearances, "表单要求阅读器重新生成外观，请将表单扁平化", "The form asks readers to draw its fields anew. Flatten the form."},
		{NoAppearance, "表单域有值但没有外观，请将表单扁平化", "A form field has a value and no appearance. Flatten the form."},
		{ValueDiffers, "表单域的值与显示内容不一致，请将表单扁平化", "A form field shows something other than its value. Flatten the form."},

		{HiddenLayers, "文件含有隐藏或可切换的图层，请合并图层", "The file has layers that are hidden or switched. Merge the layers."},
		{SecondCatalog, "文件含有未被引用的第二套文档结构，请重新导出", "The file holds a second document that is not shown. Export it again."},
		{SharedPage, "同一页面对象被多处引用，请重新导出", "One page object stands for several pages. Export the file again."},
		{InheritedAnnots, "批注放在页面树的上层节点，请重新导出", "Annotations hang on a node above the pages. Export the file again."},
		{DuplicateKey, "文件结构中有重复的键，请重新导出", "An object of the file has a key twice. Export it again."},
		{TrailingData, "文件末尾有多余数据，请去除", "There is data after the end of the file. Remove it."},

		{Certified, "文件已认证并禁止任何更改", "The file is certified and permits no changes."},
		{BrokenSignature, "文件中已有的签名不完整或格式异常", "A signature in the file is malformed."},
		{ChangedAfter, "文件在签名之后被修改过", "The file was changed after it was signed."},
	}
}

// worded fills in the texts of the code.
func (f Finding) worded() Finding {
	table := wordings()
	i := slices.IndexFunc(table, func(w wording) bool { return w.code == f.Code })
	if i >= 0 {
		f.ZH, f.EN = table[i].zh, table[i].en
	}
	return f
}

// Codes lists the codes of all findings.
func Codes() []string {
	var codes []string
	for _, w := range wordings() {
		codes = append(codes, w.code)
	}
	return codes
}
