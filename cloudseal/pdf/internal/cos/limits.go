package cos

import (
	"errors"
	"fmt"
)

// Limits of one file. Real documents stay far below each of them.
const (
	// MaxDepth bounds the nesting of arrays and dictionaries: the reader
	// recurses once a level.
	MaxDepth = 64
	// MaxObjects bounds object numbers, because the merged table is indexed by
	// them (32 bytes each).
	MaxObjects = 500_000
	// MaxSections bounds the chain of cross-reference sections, that is the
	// revisions of a file.
	MaxSections = 1_000
	// MaxInflated bounds what all decoded streams of one file hold together.
	MaxInflated = 64 << 20
	// MaxValues bounds the values read in all: in memory one takes about a
	// hundred bytes where the file needs two.
	MaxValues = 3_000_000
	// workFloor and workFactor bound the bytes that may be lexed in all: an
	// honest file needs itself and what is inflated about once, overlapping
	// objects would make it quadratic.
	workFloor  = 2 * MaxInflated
	workFactor = 2
	// maxChain bounds references that lead to references.
	maxChain = 16
)

// Budget is what may be spent on reading. Views of one file share one, because
// a file may consist of many revisions.
type Budget struct {
	work    int // bytes lexed
	values  int // values read
	inflate int // bytes inflated
}

// NewBudget allows what reading a file of the given size may cost, some times
// over.
func NewBudget(size, times int) *Budget {
	return &Budget{
		work:    times * (workFloor + workFactor*size),
		values:  times * MaxValues,
		inflate: times * MaxInflated,
	}
}

// Errors of this package; every error wraps one of them.
var (
	ErrDamaged   = errors.New("damaged file")
	ErrEncrypted = errors.New("encrypted file")
	ErrLimit     = errors.New("over a limit")
)

func damaged(off int, format string, args ...any) error {
	return fmt.Errorf("%w: offset %d: %s", ErrDamaged, off, fmt.Sprintf(format, args...))
}

func overLimit(what string) error { return fmt.Errorf("%w: %s", ErrLimit, what) }
