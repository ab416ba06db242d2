package app

import "github.com/prometheus/client_golang/prometheus"

// gauges are the figures of a node beside those of its requests; deploy/README.md
// says what they mean to an operator.
type gauges struct {
	held   *prometheus.GaugeVec   // 1 while this node does a job
	failed *prometheus.CounterVec // turns of a job that failed
}

// wireMetrics makes the figures and adds them to the registry.
func (a *App) wireMetrics() error {
	a.gauges = gauges{
		held:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "yunzhang_job_held", Help: "1 while this node does the job."}, []string{"job"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yunzhang_job_failures_total", Help: "Turns of a job that failed."}, []string{"job"}),
	}
	a.metrics.Registry.MustRegister(a.gauges.held, a.gauges.failed,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "yunzhang_events_silence_seconds", Help: "Time since something was heard from the outbox.",
		}, func() float64 { return a.now().Sub(a.ears.last()).Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "yunzhang_sockets", Help: "Waiting pages on this node.",
		}, func() float64 { return float64(a.hub.Len()) }))
	return nil
}

// job notes whether this node has a job, and that a turn of it failed.
func (g gauges) job(name string, held bool, err error) {
	one := 0.0
	if held {
		one = 1
	}
	g.held.WithLabelValues(name).Set(one)
	if err != nil {
		g.failed.WithLabelValues(name).Inc()
	}
}
