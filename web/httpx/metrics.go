package httpx

import (
	"crypto/subtle"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"yunzhang.dev/authz/fault"
)

// Metrics counts requests for Prometheus. Other parts add their own collectors
// to Registry.
type Metrics struct {
	Registry *prometheus.Registry

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewMetrics makes the counters, with those of the process and the runtime.
func NewMetrics() *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yunzhang_http_requests_total",
			Help: "Requests answered, by route pattern and status.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "yunzhang_http_request_seconds",
			Help:    "Time from the request's first handler to its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
	}
	m.Registry.MustRegister(m.requests, m.seconds,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *Metrics) observe(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// Handler serves the figures to whoever sends "Authorization: Bearer <token>".
// Without a token only this machine may read them, and nobody through a proxy.
func (m *Metrics) Handler(token string) fiber.Handler {
	figures := Mount(promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{DisableCompression: true}))
	want := []byte("Bearer " + token)
	return func(c *fiber.Ctx) error {
		got := []byte(c.Get(fiber.HeaderAuthorization))
		if token == "" && !local(c) || token != "" && subtle.ConstantTimeCompare(got, want) != 1 {
			return fault.Unauthorized
		}
		return figures(c)
	}
}

// local reports a client on this machine. A proxy that we were not told of also
// comes from here, and says that it speaks for another.
func local(c *fiber.Ctx) bool {
	return remoteIP(c).IsLoopback() && c.Get(fiber.HeaderXForwardedFor) == "" && c.Get(fiber.HeaderForwarded) == ""
}
