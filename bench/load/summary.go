package main

import (
	"math"
	"slices"
)

// summary is what is printed. Streams are counted by their events, so that one that began before the measured time or
// ends after it counts for the part that lies within.
func summary(r *run, workers []*worker, w watched, p *pacer) map[string]any {
	var lat, first []int64
	var events int64
	for _, one := range workers {
		for _, s := range one.out {
			lat, first = append(lat, s.lat), append(first, s.first)
			events += s.events
		}
	}
	n := float64(len(lat))
	requests := n
	if *mode != "unary" && events > 0 {
		requests = float64(w.events) * n / float64(events)
	}
	o := map[string]any{
		"n": len(lat), "requests": round(requests, 1), "secs": round(w.seconds, 3), "rps": round(requests/w.seconds, 1),
		"errors": r.failed.Load(), "c": *conns, "mode": *mode,
	}
	percentiles(o, "", lat)
	if *mode != "unary" {
		percentiles(o, "ttfb_", first)
		o["events"], o["open"] = w.events, w.open
	}
	if p != nil {
		o["rate"], o["backlog_max"] = *rate, p.backlog.Load()
		o["unfinished"] = p.intended.Load() - int64(len(lat)) - r.failed.Load()
	}
	if w.processes > 0 {
		o["gw_cpu_us_per_req"] = round(float64(w.cpuNs)/1e3/math.Max(requests, 1), 1)
		o["gw_cpu_cores"] = round(float64(w.cpuNs)/1e9/w.seconds, 3)
		o["rss_peak_mb"] = round(float64(w.peakKB)/1024, 1)
		o["rss_avg_mb"] = round(float64(w.sumKB)/1024/math.Max(float64(w.ns), 1), 1)
		o["pss_mb"] = round(float64(w.pssKB)/1024, 1)
		o["procs"] = w.processes
	}
	o["load_cpu_cores"] = round(float64(w.ownCpuNs)/1e9/w.seconds, 3)
	if e := r.lastError.Load(); e != nil {
		o["last_error"] = e
	}
	return o
}

// percentiles adds those of times in nanoseconds, as microseconds.
func percentiles(o map[string]any, name string, ns []int64) {
	slices.Sort(ns)
	at := func(share float64) float64 {
		if len(ns) == 0 {
			return 0
		}
		return round(float64(ns[min(len(ns)-1, int(share*float64(len(ns))))])/1e3, 2)
	}
	o[name+"p50_us"], o[name+"p95_us"], o[name+"p99_us"] = at(.5), at(.95), at(.99)
	o[name+"p999_us"], o[name+"max_us"] = at(.999), at(1)
}

func round(v float64, digits int) float64 {
	scale := math.Pow(10, float64(digits))
	return math.Round(v*scale) / scale
}
