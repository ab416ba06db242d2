package verify

import (
	"time"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/status"
)

// status: was the seal usable when it stamped? (电子印章管理办法: a verifier can
// learn the state at the time of stamping.)
func (l *looked) status() {
	if l.trust.Histories == nil {
		l.unchecked(Status, "no-source", "没有查询印章状态", "The state of the seal was not asked for.")
		return
	}
	seal := l.sig.Seal
	state, known, err := l.trust.Histories.StateAt(seal.Code, gm.SM3(seal.MakerCert), l.sig.Time)
	switch {
	case err != nil:
		l.unchecked(Status, "source-failed", "印章状态查询失败", "The state of the seal could not be learnt.")
	case !known:
		l.unchecked(Status, "unknown", "状态列表不包括该印章或该时间", "Nothing is known of this seal at that time.")
	case state != status.Usable:
		zh, en := state.Name()
		l.no(Status, string(state), "盖章时印章"+zh, "When it stamped, the seal was "+en+".")
	default:
		l.yes(Status, "usable", "盖章时印章状态正常", "The seal was usable when it stamped.")
	}
}

// listed answers from a signed list.
type listed struct{ list status.List }

func (l listed) StateAt(seal string, maker gm.Digest, at time.Time) (status.State, bool, error) {
	state, known := l.list.StateAt(seal, maker, at)
	return state, known, nil
}
