package mongosim

// tree is an ordered map that is never changed: set and del give a new one that
// shares all but the path to the changed key. A version of the database is
// therefore a pointer, and a snapshot, a stale secondary and a roll-back cost
// nothing. It is a treap whose priorities come from the keys, so that equal
// contents have equal shapes.
type tree[V any] struct{ top *node[V] }

type node[V any] struct {
	key         string
	val         V
	pri         uint64
	size        int
	left, right *node[V]
}

func (t tree[V]) len() int { return t.top.count() }

func (t tree[V]) get(key string) (V, bool) {
	for n := t.top; n != nil; {
		switch {
		case key < n.key:
			n = n.left
		case key > n.key:
			n = n.right
		default:
			return n.val, true
		}
	}
	var none V
	return none, false
}

func (t tree[V]) set(key string, val V) tree[V] {
	return tree[V]{t.top.set(key, val)}
}

func (t tree[V]) del(key string) tree[V] {
	if _, ok := t.get(key); !ok {
		return t
	}
	return tree[V]{t.top.del(key)}
}

// ascend visits the keys from lo until before hi ("" for no end).
func (t tree[V]) ascend(lo, hi string, visit func(key string, val V) bool) {
	t.top.ascend(lo, hi, visit)
}

// descend visits the keys below hi ("" for no end) down to lo.
func (t tree[V]) descend(lo, hi string, visit func(key string, val V) bool) {
	t.top.descend(lo, hi, visit)
}

func (n *node[V]) count() int {
	if n == nil {
		return 0
	}
	return n.size
}

// with gives a copy of n with other children.
func (n *node[V]) with(left, right *node[V]) *node[V] {
	c := *n
	c.left, c.right, c.size = left, right, left.count()+right.count()+1
	return &c
}

func (n *node[V]) set(key string, val V) *node[V] {
	if n == nil {
		return &node[V]{key: key, val: val, pri: hashString(key), size: 1}
	}
	switch {
	case key < n.key:
		left := n.left.set(key, val)
		if left.pri > n.pri {
			return left.with(left.left, n.with(left.right, n.right))
		}
		return n.with(left, n.right)
	case key > n.key:
		right := n.right.set(key, val)
		if right.pri > n.pri {
			return right.with(n.with(n.left, right.left), right.right)
		}
		return n.with(n.left, right)
	}
	c := *n
	c.val = val
	return &c
}

func (n *node[V]) del(key string) *node[V] {
	switch {
	case key < n.key:
		return n.with(n.left.del(key), n.right)
	case key > n.key:
		return n.with(n.left, n.right.del(key))
	}
	return join(n.left, n.right)
}

func join[V any](a, b *node[V]) *node[V] {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.pri > b.pri:
		return a.with(a.left, join(a.right, b))
	}
	return b.with(join(a, b.left), b.right)
}

func (n *node[V]) ascend(lo, hi string, visit func(string, V) bool) bool {
	if n == nil {
		return true
	}
	if n.key >= lo {
		if !n.left.ascend(lo, hi, visit) {
			return false
		}
		if hi != "" && n.key >= hi || !visit(n.key, n.val) {
			return false
		}
	}
	return n.right.ascend(lo, hi, visit)
}

func (n *node[V]) descend(lo, hi string, visit func(string, V) bool) bool {
	if n == nil {
		return true
	}
	if hi == "" || n.key < hi {
		if !n.right.descend(lo, hi, visit) {
			return false
		}
		if n.key < lo || !visit(n.key, n.val) {
			return false
		}
	}
	return n.left.descend(lo, hi, visit)
}

// hashString spreads a key over 64 bits (FNV-1a, then SplitMix64's finish).
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
