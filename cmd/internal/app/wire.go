package app

import (
	"net/url"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/onetime"
	"yunzhang.dev/authz/passkey"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/qrflow"
)

// domains are the services of a node, wired together.
type domains struct {
	audit   *audit.Log
	authz   *authz.Service
	signer  *keys.Signer
	seals   *cloudseal.Service
	flow    *qrflow.Service
	binding *binding.Service
	sms     *onetime.SMS
}

// wire makes the domains over their stores, in the order in which they need
// each other.
func (a *App) wire() error {
	d := &a.domains
	d.audit = audit.New(audit.Deps{Work: a.main.Work, Records: a.main.Audit})
	for _, step := range []func() error{a.wireSigner, a.wireAuthz, a.wireSeals, a.wireFlow, a.wireBinding} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) wireSigner() (err error) {
	a.domains.signer, err = keys.New(keys.Deps{
		Work: a.journal.Work, Tables: a.journal.Keys, KEK: a.secrets.kek, MACKey: a.secrets.rowKey,
		Authorities: []gm.PublicKey{a.secrets.Authority.Public()}, Second: a.passkeys(), Issuer: a.cfg.Sites.Issuer,
		MaxAge: a.cfg.Lifetimes.Start.D(), SecondFrom: a.cfg.Risk.SecondApprover, SecondWait: a.cfg.Risk.SecondWait.D(), Now: a.now, Checkpoint: a.opts.Checkpoint,
	})
	return err
}

// passkeys checks WebAuthn for the app's origin.
func (a *App) passkeys() passkey.Checker {
	rpid := ""
	if u, err := url.Parse(a.cfg.Sites.App); err == nil {
		rpid = u.Hostname()
	}
	return passkey.Checker{RPID: rpid, Origins: []string{a.cfg.Sites.App}}
}

func (a *App) wireAuthz() (err error) {
	c, d := a.cfg, &a.domains
	d.sms, err = onetime.NewSMS(onetime.Deps{
		Work: a.main.Work, Codes: a.main.Codes, Tallies: a.main.Tallies, Carrier: carrier{a.outside.outbox}, Pepper: a.secrets.derive("codes"),
		Alarm: d.pumping,
	})
	if err != nil {
		return err
	}
	limits, policy := authz.DefaultLimits(), authz.DefaultPolicy()
	limits.PINLimit, limits.Cooling, limits.BlockedADay = c.Limits.PINTries, c.Lifetimes.Cooling.D(), c.Limits.BlockedADay
	policy.EvidenceAge, policy.RegistryAge = c.Lifetimes.Evidence.D(), c.Lifetimes.Registry.D()
	if c.Sandbox.Enabled {
		policy.Tiers = append(policy.Tiers, authz.TierS)
	}
	d.authz, err = authz.New(authz.Deps{
		Work: a.main.Work, Tables: a.main.Authz, Registry: a.outside.registry, RealPerson: a.outside.faces, Notices: a.outside.outbox,
		Codes: codes{d.sms}, Authority: a.secrets.Authority, Stops: d.signer, Blinder: a.secrets, Passkeys: a.passkeys(), Audit: d.audit,
		NonceKey: a.secrets.derive("nonces"), Issuer: c.Sites.Issuer, Limits: limits, Policy: policy, Now: a.now, Log: a.log,
	})
	return err
}

// pumping puts it on record that more codes were asked for than anybody needs.
func (d *domains) pumping(tx unit.Tx, bound string) error {
	return d.audit.Write(tx, audit.Record{
		Actor: "system", Role: "system", Action: "codes.flood", Object: bound, Decision: audit.Alarm, Detail: "sms-pumping",
	})
}

func (a *App) wireSeals() error {
	c, d := a.cfg, &a.domains
	issuing, err := ca.OpenIssuer(a.secrets.IssuingCert, a.secrets.Issuing)
	if err != nil {
		return err
	}
	limits := cloudseal.DefaultLimits()
	limits.MaxDocument, limits.MaxBatch, limits.MaxBatchBytes = c.Limits.Document, c.Limits.Batch, c.Limits.BatchBytes
	limits.Validity = c.Lifetimes.Seal.D()
	limits.DailyUpload = c.Limits.DailyUpload
	d.seals, err = cloudseal.New(cloudseal.Deps{
		Work: a.main.Work, Tables: a.main.Seals, Holders: holders{d.authz}, Acts: acts{d.authz}, Filings: a.outside.registry,
		Blobs: a.blobs, Signer: d.signer, Stops: d.signer, Audit: d.audit, Issuer: issuing,
		Maker: a.secrets.Maker, MakerCertificate: a.secrets.MakerCert, StatusKey: a.secrets.Status,
		Roots: [][]byte{a.secrets.RootCert}, Intermediates: [][]byte{a.secrets.IssuingCert},
		Authorities: []gm.PublicKey{a.secrets.Authority.Public()}, Host: c.Sites.Issuer, Node: c.NodeName(), Limits: limits,
		Second: a.passkeys(), Passkeys: verify.Passkeys{RPID: a.passkeys().RPID, Origins: a.passkeys().Origins},
		Now: a.now, Log: a.log, Checkpoint: a.opts.Checkpoint,
	})
	return err
}

func (a *App) wireFlow() (err error) {
	c, l := a.cfg, a.cfg.Lifetimes
	a.domains.flow, err = qrflow.New(qrflow.Deps{
		Work: a.main.Work, Tickets: a.main.Tickets, Standings: a.main.Standings, Events: a.main.Events, Approvals: a.main.Approvals, Audit: a.domains.audit,
		Secrets: []qrflow.Secret{{ID: "1", Key: a.secrets.derive("tickets")}}, QRBase: c.Sites.Verify + "/q", Now: a.now,
		Limiter: newLimiter(a.main.Work, a.main.Windows, a.log),
		Limits: qrflow.Limits{
			Frame: l.Frame.D(), Open: l.Open.D(), DecideLogin: l.DecideLogin.D(), DecideBind: l.DecideBind.D(),
			DecideStamp: l.DecideStamp.D(), Second: c.Risk.SecondWait.D(), Start: l.Start.D(), Result: l.Result.D(), OpenTickets: c.Limits.OpenTickets,
			Tickets: a.rate(c.Limits.TicketRate, time.Second), Claims: a.rate(c.Limits.ClaimRate, time.Minute),
			BadFrames: qrflow.Rate{Events: c.Limits.BadFrames, Per: time.Minute}, Blocked: plenty(), // authz locks the device itself, over all nodes
		},
	})
	return err
}

func (a *App) wireBinding() (err error) {
	d := &a.domains
	d.binding, err = binding.New(binding.Deps{
		Work: a.main.Work, Tables: a.main.Binding, Authz: d.authz, Seals: d.seals, Flow: d.flow, Stops: d.signer, Audit: d.audit,
		Issuer: a.cfg.Sites.Issuer, Sandbox: a.cfg.Sandbox.Enabled, Policy: a.policy(), Now: a.now, Log: a.log,
	})
	return err
}

func (a *App) policy() binding.Policy {
	r := a.cfg.Risk
	return binding.Policy{LoginStepUp: r.LoginStepUp, StampStepUp: r.StampStepUp, KnownPage: r.KnownPage.D(), SecondFrom: r.SecondApprover, SecondWait: r.SecondWait.D()}
}

// plenty is a rate that nothing reaches.
func plenty() qrflow.Rate { return qrflow.Rate{Events: 1 << 30, Per: time.Second} }

// rate is a configured rate, which load tests lift.
func (a *App) rate(n int, per time.Duration) qrflow.Rate {
	if a.opts.Unlimited {
		return plenty()
	}
	return qrflow.Rate{Events: n, Per: per}
}
