package qrflow

import "yunzhang.dev/authz/unit"

// TicketIn gives a ticket inside a transaction, for the owner of its purpose.
func (s *Service) TicketIn(tx unit.Tx, id string) (*Ticket, error) { return s.get(tx, id) }
