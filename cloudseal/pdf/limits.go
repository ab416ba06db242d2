package pdf

// Limits of what is accepted; see also those of the object reader in
// internal/cos. An agreement or a declaration form stays far below each of them.
const (
	// MaxFile bounds the size of a file, because it is held in memory whole.
	MaxFile = 64 << 20
	// MaxPages bounds the page tree, which is walked at opening.
	MaxPages = 5_000
	// MaxFields bounds the fields of a form and the widgets of each.
	MaxFields = 20_000
	// MaxStamps bounds the signatures that Find examines in one file, and
	// viewTimes what looking at the file as each of them left it may cost in all,
	// counted in readings of the whole file.
	MaxStamps = 100
	viewTimes = 4
	// MaxPictureBytes and MaxPicturePixels bound the picture of a seal: 84 mm at
	// 600 dpi is 2000 pixels.
	MaxPictureBytes  = 4 << 20
	MaxPicturePixels = 2000 * 2000
	// DefaultSlot is the room for the signature in bytes of DER. A seal with its
	// picture and certificates takes 5 to 20 KiB; the rest is for time-stamps
	// and pictures of other makers.
	DefaultSlot = 64 << 10
	// MinSlot and MaxSlot bound what a caller may ask for.
	MinSlot = 1 << 10
	MaxSlot = 1 << 20
	// maxTreeDepth bounds page tree and field tree, which are walked recursively.
	maxTreeDepth = 64
	// maxFindings bounds the list of one document: a sender who has mended these
	// sends the file again.
	maxFindings = 50
)
