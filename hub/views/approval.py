"""The IRB approval that counts: that of the IRB of record, the newest."""

from __future__ import annotations

from hub.views.words import Words

_GIVE_A_TERM = "('initial', 'continuing_review', 'amendment_cr', 'nhsr', 'site_add', 'reliance')"


def approval(on: Words, study: str, site: str = "null") -> str:
    """The id of the submission whose approval and expiry count for a study, or for one site of it,
    as a scalar. What another board only has a copy of counts where nothing else is known."""
    of_record = "i.irb_of_record_id is null or i.irb_of_record_id = i.board_id"
    return f"""(
    select i.id from irb_submission i
    where i.study_id = {study} and (i.study_site_id is null or i.study_site_id = {site})
        and {on.current("i")} and (i.approval_on is not null or i.state = 'approved')
        and coalesce(i.kind, 'initial') in {_GIVE_A_TERM}
    order by case when i.study_site_id is null then 1 else 0 end,
        case when {of_record} then 0 else 1 end,
        coalesce(i.approval_on, i.effective_on, i.determination_on, '') desc, i.id desc
    limit 1)"""
