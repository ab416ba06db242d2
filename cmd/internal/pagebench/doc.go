// Package pagebench measures what waiting pages cost a node: thousands of them
// at once, with codes that roll, tickets that lapse and are opened anew, and an
// approval now and then; and beside it, in the same run, the least that as many
// websockets cost at all.
//
//	bench.go       the run, step by step
//	crowd.go       the pages: tickets by the signed API, sockets, renewals
//	page.go        one page
//	approve.go     approvals by the agent's phone, and how soon their page knows
//	bare.go        the bare server and its connections
//	part.go        the measured processes, seen from inside
//	child.go       and from outside
//	table.go       the figures, the aims and which were met
//
// The measured node and the bare server are processes of their own, so that
// nothing of the load is in their figures. Memory is what the system counts as
// resident after a collection, less what was resident before the first page; it
// is given back to the system before the first look and never after, so that the
// difference is not flattered.
package pagebench
