package binding

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/qrflow"
)

// Notice is a message that is due to the people of a ticket: who scanned it,
// and the legal representative in whose name it was. It is written with what
// it tells of, so that no crash loses it, and worded when it is sent, so that
// it holds no name and no number.
type Notice struct {
	unit.Row `bson:",inline"`
	Template string    `bson:"template"`
	Ticket   string    `bson:"ticket"`
	Sent     bool      `bson:"sent"`
	Told     []string  `bson:"told"` // who has it: one whom nobody reaches costs the others no second copy
	Tries    int       `bson:"tries"`
	Due      time.Time `bson:"due"` // not before; a sender moves it on while he tries
	Expires  time.Time `bson:"expires"`
}

const (
	// noticeLease is how long a node that tries to send keeps the others away, and
	// the pause before the next try.
	noticeLease = 30 * time.Second
	// noticeTurn is how long one turn sends, and sendWithin how long one message may
	// take: together less than what is left of the job's lease when a turn begins.
	noticeTurn = 2 * time.Second
	sendWithin = 3 * time.Second
	// noticeTries ends it when a provider refuses for good.
	noticeTries = 20
	// noticeKept is how long it stays on record that somebody was told.
	noticeKept = 30 * 24 * time.Hour
	noticePage = 50
)

// notice writes a notice in the transaction of what it tells of.
func (s *Service) notice(tx unit.Tx, template notify.Template, ticket string) error {
	return s.t.Notices.Insert(tx, &Notice{
		Row: unit.Row{ID: unit.NewID("nt")}, Template: string(template), Ticket: ticket, Due: tx.Now(), Expires: tx.Now().Add(noticeKept),
	})
}

// SendNotices sends what is due, for a few seconds; the next turn goes on. Any
// node may do it at any time; after a crash in the middle a message comes twice
// rather than not at all.
func (s *Service) SendNotices(ctx context.Context) error {
	var due []*Notice
	err := s.work.View(ctx, func(tx unit.Tx) error {
		found, err := s.t.Notices.Find(tx, unit.Query{Index: "sent+due", Key: []any{false}, Limit: noticePage})
		due = due[:0]
		for _, n := range found {
			if !n.Due.After(tx.Now()) {
				due = append(due, n)
			}
		}
		return err
	})
	turn, end := context.WithTimeout(ctx, noticeTurn)
	defer end()
	for _, n := range due {
		if turn.Err() != nil {
			break
		}
		if one := s.sendNotice(ctx, turn, n.ID); one != nil {
			err = errors.Join(err, fmt.Errorf("notice of ticket %s: %w", n.Ticket, one))
		}
	}
	return err
}

// sendNotice sends one notice to whoever does not have it, and notes who has. It
// begins with nobody when the turn is over.
func (s *Service) sendNotice(ctx, turn context.Context, id string) error {
	n, err := s.leaseNotice(ctx, id)
	if err != nil || n == nil {
		return err
	}
	told, all, sending := s.message(ctx, turn, n)
	return errors.Join(sending, s.work.Update(ctx, func(tx unit.Tx) error {
		fresh, err := s.t.Notices.Get(tx, id)
		if err != nil {
			return err
		}
		fresh.Told, fresh.Sent = told, all || fresh.Tries >= noticeTries
		if turn.Err() != nil && sending == nil {
			fresh.Due = tx.Now() // the next turn goes on
		}
		return s.t.Notices.Replace(tx, fresh)
	}))
}

// leaseNotice takes a notice for this node, nil when another has it or it was
// tried too often: whoever tried it last may not have been able to write so.
func (s *Service) leaseNotice(ctx context.Context, id string) (n *Notice, err error) {
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		fresh, err := s.t.Notices.Get(tx, id)
		n = nil
		if err != nil || fresh.Sent || fresh.Due.After(tx.Now()) {
			return err
		}
		if fresh.Sent = fresh.Tries >= noticeTries; !fresh.Sent {
			fresh.Due, fresh.Tries = tx.Now().Add(noticeLease), fresh.Tries+1
			n = fresh
		}
		return s.t.Notices.Replace(tx, fresh)
	})
	return n, err
}

// message words a notice and sends it to everybody it is for and who does not have
// it. It gives who has it then, and whether that is everybody.
func (s *Service) message(ctx, turn context.Context, n *Notice) (told []string, all bool, err error) {
	var people []string
	var params map[string]string
	err = s.work.View(ctx, func(tx unit.Tx) error {
		t, err := s.flow.TicketIn(tx, n.Ticket)
		if err != nil {
			return err
		}
		people, params, err = s.wordNotice(tx, n, t)
		return err
	})
	told, all = n.Told, err == nil
	for _, person := range people {
		if slices.Contains(told, person) {
			continue
		}
		if turn.Err() != nil {
			return told, false, err
		}
		if one := s.messageTo(ctx, person, n, params); one != nil {
			all, err = false, errors.Join(err, one)
			continue
		}
		told = append(told, person)
	}
	return told, all, err
}

func (s *Service) messageTo(ctx context.Context, person string, n *Notice, params map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	return s.authz.Message(ctx, person, notify.Template(n.Template), params)
}

func (s *Service) wordNotice(tx unit.Tx, n *Notice, t *qrflow.Ticket) (people []string, params map[string]string, err error) {
	r, err := decodeRequest(t)
	if err != nil {
		return nil, nil, err
	}
	who, err := s.authz.Person(tx, t.Person)
	if err != nil {
		return nil, nil, err
	}
	org, err := s.authz.Organization(tx, r.Org)
	if err != nil {
		return nil, nil, err
	}
	people = []string{t.Person}
	if notify.Template(n.Template) == notify.SecondAsked {
		if people, err = s.appointed(tx, t, r); err != nil {
			return nil, nil, err
		}
	}
	if org.Legal != "" && org.Legal != t.Person {
		people = append(people, org.Legal)
	}
	return people, map[string]string{
		"name": codes.MaskName(who.Name), "app": r.AppName, "org": org.Name, "account": codes.MaskAccount(r.Account),
		"count": strconv.Itoa(t.Documents),
	}, nil
}
