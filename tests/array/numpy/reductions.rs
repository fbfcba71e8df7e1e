//! Reductions of all and of some axes, running sums and quantiles.

use super::table::{Answer, Case, each, found, found_number};

pub fn answer(case: &Case) -> Option<Answer> {
    let x = || case.input(0);
    let keepdims = || case.bool("keepdims");
    let ddof = || case.f64("ddof");
    let axes = case.list("axes");
    Some(match (&*case.operation, axes) {
        ("sum", None) => each!(x(), x => found_number(&x.sum())),
        ("sum", Some(axes)) => each!(x(), x => x.sum_axes(axes, keepdims()).and_then(found)),
        ("prod", None) => each!(x(), x => found_number(&x.prod())),
        ("prod", Some(axes)) => each!(x(), x => x.prod_axes(axes, keepdims()).and_then(found)),
        ("mean", None) => each!(x(), x => found_number(&x.mean())),
        ("mean", Some(axes)) => each!(x(), x => x.mean_axes(axes, keepdims()).and_then(found)),
        ("var", None) => each!(x(), x => found_number(&x.var(ddof()))),
        ("var", Some(axes)) => each!(x(), x => x.var_axes(axes, ddof(), keepdims()).and_then(found)),
        ("std", None) => each!(x(), x => found_number(&x.std(ddof()))),
        ("std", Some(axes)) => each!(x(), x => x.std_axes(axes, ddof(), keepdims()).and_then(found)),
        ("min", None) => each!(x(), x => x.min().and_then(|number| found_number(&number))),
        ("min", Some(axes)) => each!(x(), x => x.min_axes(axes, keepdims()).and_then(found)),
        ("max", None) => each!(x(), x => x.max().and_then(|number| found_number(&number))),
        ("max", Some(axes)) => each!(x(), x => x.max_axes(axes, keepdims()).and_then(found)),
        ("argmin", None) => each!(x(), x => x.argmin().and_then(|number| found_number(&number))),
        ("argmin", Some(axes)) => each!(x(), x => x.argmin_axis(axes[0], keepdims()).and_then(found)),
        ("argmax", None) => each!(x(), x => x.argmax().and_then(|number| found_number(&number))),
        ("argmax", Some(axes)) => each!(x(), x => x.argmax_axis(axes[0], keepdims()).and_then(found)),
        ("any", None) => each!(x(), x => found_number(&x.any())),
        ("any", Some(axes)) => each!(x(), x => x.any_axes(axes, keepdims()).and_then(found)),
        ("all", None) => each!(x(), x => found_number(&x.all())),
        ("all", Some(axes)) => each!(x(), x => x.all_axes(axes, keepdims()).and_then(found)),
        ("cumsum", _) => each!(x(), x => x.cumsum(case.isize("axis")).and_then(found)),
        ("quantile", _) => each!(x(), x => x.quantile(case.f64("q"), case.isize("axis"), keepdims()).and_then(found)),
        _ => return None,
    })
}
