//! Prints a container as a shell script.

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let spec = match args.first() {
        Some(json) if json.starts_with('{') => minicontain::Spec::from_json(json),
        _ => Ok(minicontain::Spec::new(args)),
    };
    match spec.and_then(minicontain::Plan::new) {
        Ok(plan) => print!("{}", plan.to_shell()),
        Err(error) => eprintln!("{error}"),
    }
}
