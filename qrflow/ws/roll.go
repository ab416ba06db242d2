package ws

import "time"

// unasked is how many frames are shown before the domain is asked again, unless
// the look at all tickets has found this one where it was: with thousands of pages,
// asking for each is most of what a node does. That a ticket moves is learned from
// its events, as ever; a node that cannot look shows no more than these.
const unasked = 4

// roll is the frames to come of a page that waits.
type roll struct {
	next  func(after time.Duration) (Frame, bool)
	asked time.Time // when next was given
	turns int       // that are left
}

// rollOn keeps the frames that follow f. The time is taken after the answer: a
// frame that is shown late is accepted, an early one is not.
func (f *feed) rollOn(shown Frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.roll = roll{next: shown.Next, asked: time.Now(), turns: unasked}
}

// rollLife is how long codes are shown unasked at the most: a machine that was
// asleep counts its time from before.
const rollLife = time.Minute

// confirm notes that the ticket is where it was.
func (f *feed) confirm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.roll.asked) < rollLife {
		f.roll.turns = unasked
	}
}

// rolled gives the frame that is due now; false when the domain is to be asked.
func (f *feed) rolled() (Frame, bool) {
	f.mu.Lock()
	r := &f.roll
	next, asked, due := r.next, r.asked, f.waiting && r.next != nil && r.turns > 0
	r.turns--
	f.mu.Unlock()
	if !due {
		return Frame{}, false
	}
	return next(time.Since(asked))
}
