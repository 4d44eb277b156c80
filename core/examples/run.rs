//! Runs its arguments in a container with every default, and shows what was done.

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let spec = match args.first() {
        Some(json) if json.starts_with('{') => minicontain::Spec::from_json(json),
        _ => Ok(minicontain::Spec::new(args)),
    };
    let run = spec.and_then(|spec| minicontain::Command::from(spec).run());
    match run {
        Ok(run) => {
            eprint!("{}", run.trace.render());
            eprintln!("{:?}", run.outcome);
        }
        Err(error) => eprintln!("{error}"),
    }
}
