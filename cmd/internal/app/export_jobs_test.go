package app

import (
	"context"
	"fmt"
	"time"

	"yunzhang.dev/cmd/internal/store"
)

// JobLife is for how long a node has a job to itself.
func (a *App) JobLife(name string) time.Duration {
	for _, j := range a.jobs() {
		if j.name == name {
			return leaseFor(j)
		}
	}
	return 0
}

// JobLease gives the lease of a job that a node has.
func (a *App) JobLease(ctx context.Context, name string) (store.Lease, error) {
	live, err := a.leases.Live(ctx)
	for _, l := range live {
		if l.ID == name {
			return l, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("nobody does the job %q", name)
	}
	return store.Lease{}, err
}
